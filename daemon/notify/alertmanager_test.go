package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"peervane/daemon/notice"
)

// alertmanagerConfig pages at once, by a webhook of the test.
const alertmanagerConfig = `
route:
  receiver: page
  group_by: [fingerprint, severity]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
- name: page
  webhook_configs:
  - url: %s
    send_resolved: true
`

// peerTimeout is how long the second of a cluster waits to see the first one page, and groupInterval how often each looks
// whether there is something to tell.
const (
	peerTimeout   = 400 * time.Millisecond
	groupInterval = time.Second
)

// pageText is what somebody is told by Alertmanager: "firing critical 203.0.113.128/25".
type pageText string

// pages serves the webhook of Alertmanager.
func pages(t *testing.T) (url string, got <-chan pageText) {
	t.Helper()
	out := make(chan pageText, 100)
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Alerts []struct {
				Status string
				Labels map[string]string
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&body); errors.Is(err, io.ErrUnexpectedEOF) {
			return // it was stopped, as the test ends, in the middle of it
		} else if err != nil {
			t.Error(err)
		}
		for _, a := range body.Alerts {
			out <- pageText(a.Status + " " + a.Labels["severity"] + " " + a.Labels["prefix"])
		}
	}), out
}

// cluster starts two Alertmanagers that know each other, and gives their addresses.
func cluster(t *testing.T) (addresses []string, got <-chan pageText) {
	t.Helper()
	path := installed(t, "prometheus-alertmanager", "prometheus-alertmanager")
	url, got := pages(t)
	conf := file(t, t.TempDir(), "alertmanager.yml", fmt.Sprintf(alertmanagerConfig, url))
	gossip := []string{"127.0.0.1:" + freePort(t), "127.0.0.1:" + freePort(t)}
	for i := range gossip {
		address := "127.0.0.1:" + freePort(t)
		p := launch(t, path, "--config.file="+conf, "--storage.path="+t.TempDir(), "--web.listen-address="+address,
			"--cluster.listen-address="+gossip[i], "--cluster.peer="+gossip[1-i], "--cluster.peer-timeout="+peerTimeout.String(),
			"--cluster.gossip-interval=20ms", "--cluster.pushpull-interval=200ms", "--cluster.settle-timeout=20s", "--cluster.reconnect-interval=100ms")
		p.listens(t, address)
		addresses = append(addresses, "http://"+address)
		if i == 1 {
			p.until(t, "the two have found each other", func() bool { return settled(t, addresses) })
		}
	}
	return addresses, got
}

func settled(t *testing.T, addresses []string) bool {
	for _, address := range addresses {
		var status struct {
			Cluster struct {
				Status string
				Peers  []any
			}
		}
		if get(t, address+"/api/v2/status", &status); status.Cluster.Status != "ready" || len(status.Cluster.Peers) != 2 {
			return false
		}
	}
	return true
}

func get(t *testing.T, url string, into any) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		return // not yet
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		t.Errorf("%s: %v", url, err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// host is a peervane that tells every Alertmanager of the cluster, as their documentation asks for.
type host struct {
	t        *testing.T
	source   string
	channels []*alertmanager
	standing map[string]notice.Delivery
}

// lasts is how long an alert stands that is not told again: in a test much shorter than the four minutes of the real one.
const lasts = 2 * time.Second

func newHost(t *testing.T, source string, addresses []string) *host {
	h := &host{t: t, source: source, standing: map[string]notice.Delivery{}}
	for _, address := range addresses {
		n, err := newAlertmanager(to(address), "1.2.3")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(n.Close)
		a := n.(*alertmanager)
		a.lasts = lasts
		h.channels = append(h.channels, a)
	}
	return h
}

func (h *host) tell(n notice.Notice, status notice.Status, severity notice.Severity) {
	h.t.Helper()
	n.Incident, n.Source, n.Status, n.Severity = "incident of "+h.source, h.source, status, severity
	if status == notice.Resolved {
		n.ResolvedAt = notice.At(time.Now())
	}
	body, err := n.Body()
	if err != nil {
		h.t.Fatal(err)
	}
	d := notice.Delivery{Incident: n.Incident, Body: body}
	for _, c := range h.channels {
		if got := c.Send(h.t.Context(), d); got.Outcome != Delivered {
			h.t.Fatalf("got %+v", got)
		}
	}
	h.standing[n.Fingerprint] = d
	if status == notice.Resolved {
		delete(h.standing, n.Fingerprint)
	}
}

func (h *host) repeat() {
	h.t.Helper()
	for _, d := range h.standing {
		for _, c := range h.channels {
			if got := c.Repeat(h.t.Context(), []notice.Delivery{d}); got.Outcome != Delivered {
				h.t.Fatalf("got %+v", got)
			}
		}
	}
}

// quiet repeats what stands for a while, in which nobody may be paged.
func quiet(t *testing.T, why string, got <-chan pageText, d time.Duration, hosts ...*host) {
	t.Helper()
	tick := time.NewTicker(lasts / 4)
	defer tick.Stop()
	for end := time.After(d); ; {
		select {
		case p := <-got:
			t.Fatalf("paged %q %s", p, why)
		case <-tick.C:
			for _, h := range hosts {
				h.repeat()
			}
		case <-end:
			return
		}
	}
}

// paged waits for pages, in whatever order, while what stands is repeated.
//
// It gives the time of the first of them.
func paged(t *testing.T, got <-chan pageText, hosts []*host, want ...pageText) (first time.Time) {
	t.Helper()
	tick := time.NewTicker(lasts / 4)
	defer tick.Stop()
	missing := map[pageText]bool{}
	for _, p := range want {
		missing[p] = true
	}
	for late := time.After(patience); len(missing) > 0; {
		select {
		case p := <-got:
			if !missing[p] {
				t.Fatalf("paged %q, want %q", p, want)
			}
			delete(missing, p)
			if p == want[0] {
				first = time.Now()
			}
		case <-tick.C:
			for _, h := range hosts {
				h.repeat()
			}
		case <-late:
			t.Fatalf("not paged: %v", missing)
		}
	}
	return first
}

// calm waits until neither of the two is about to tell of an alert that was paged first then. What ends just between one's
// look at it and the other's may be paged anew by the second, whoever tells it: it goes by what stood before.
func calm(first time.Time) {
	phase := time.Since(first) % groupInterval
	<-time.After((groupInterval + groupInterval*3/4 - phase) % groupInterval)
}

func incidentOf(prefix string) notice.Notice {
	n := notice.Notice{Type: notice.SubPrefix, Summary: "test", StartedAt: notice.At(time.Now()), UpdatedAt: notice.At(time.Now())}
	n.Prefix.UnmarshalText([]byte(prefix))
	n.Fingerprint = notice.Identity{Type: n.Type, Prefix: n.Prefix}.Fingerprint()
	return n
}

// Two hosts see one incident, and tell both of two Alertmanagers: somebody is paged once, and told once of the end.
func TestAlertmanagerCluster(t *testing.T) {
	t.Parallel()
	addresses, got := cluster(t)
	a, b := newHost(t, "host7", addresses), newHost(t, "host8", addresses)
	both := []*host{a, b}
	n := incidentOf("203.0.113.0/24")
	a.tell(n, notice.Firing, notice.Warning)
	b.tell(n, notice.Firing, notice.Warning)
	warned := paged(t, got, both, "firing warning 203.0.113.0/24")
	quiet(t, "though it is one incident, and stands", got, lasts+2*peerTimeout, both...)

	calm(warned)
	a.tell(n, notice.Updated, notice.Critical)
	b.tell(n, notice.Updated, notice.Critical)
	rose := paged(t, got, both, "firing critical 203.0.113.0/24", "resolved warning 203.0.113.0/24")

	calm(rose)
	a.tell(n, notice.Resolved, notice.Critical)
	b.tell(n, notice.Resolved, notice.Critical)
	paged(t, got, both, "resolved critical 203.0.113.0/24")
	quiet(t, "after the end was told", got, groupInterval+2*peerTimeout, both...)
}

// What is told again stands, and what is told no more ends: a host that dies leaves no alert behind.
func TestAlertmanagerEndsWhatIsNotRepeated(t *testing.T) {
	t.Parallel()
	addresses, got := cluster(t)
	h := newHost(t, "host7", addresses)
	h.tell(incidentOf("198.51.100.0/24"), notice.Firing, notice.Error)
	paged(t, got, nil, "firing error 198.51.100.0/24")
	quiet(t, "while it was told again", got, 2*lasts, h)
	began := time.Now()
	paged(t, got, nil, "resolved error 198.51.100.0/24")
	if took := time.Since(began); took < lasts/2 {
		t.Errorf("it ended %v after it was told last", took)
	}
}

// The real thing takes every sample, the strange ones too, and shows the labels that were sent.
func TestAlertmanagerTakesEverySample(t *testing.T) {
	t.Parallel()
	addresses, _ := cluster(t)
	n, err := newAlertmanager(to(addresses[0]), "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if got := n.Send(t.Context(), notice.Delivery{Body: monster(t, notice.Firing)}); got.Outcome != Delivered {
		t.Errorf("got %+v", got)
	}
	var shown []struct{ Labels, Annotations map[string]string }
	get(t, addresses[0]+"/api/v2/alerts", &shown)
	if len(shown) != 1 || shown[0].Labels["alertname"] != notice.NewMoreSpecific || shown[0].Labels["severity"] != "warning" ||
		shown[0].Labels["_9"] != "nine" || !strings.Contains(shown[0].Annotations["description"], "Prefix: 2001:db8::/32") {
		t.Errorf("shown: %.500v", shown)
	}
}
