package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"text/template"

	"peervane/probe/netlab"
)

// Who is who in the miniature internet. The documentation's ASNs of four bytes (RFC 5398) stand where one can.
const (
	monitorASN = 65550
	edgeASN    = 65540
	goodASN    = 64501 // the way to the registered prefixes
	originASN  = 64496 // who may originate them
	rogueASN   = 64502 // the way to the hijacker
	hijackASN  = 65551

	registered4, registered6 = "203.0.113.0/24", "2001:db8:113::/48"
	hijacked4, hijacked6     = "203.0.113.128/25", "2001:db8:113:8000::/49"
	marker4                  = "203.0.113.64/26" // another more-specific, announced to see that nothing came before it

	hookAddress = "10.3.0.2:8443" // of the receiver
)

// internet is the miniature internet of one case: a monitor with our daemon, edge routers that it peers with, the world
// behind them, and the host that notices go to.
type internet struct {
	t        *testing.T
	binary   string
	lab      *netlab.Lab
	dir      string
	key      []byte // signs the notices
	world    *world
	monitor  *netlab.Host
	noc      *netlab.Host
	edges    []*edge
	receiver *receiver
	watcher  *watcher
}

// newInternet makes one without routers.
func newInternet(t *testing.T, binary string) *internet {
	t.Helper()
	needs(t, bird)
	lab := newLab(t)
	in := &internet{t: t, binary: binary, lab: lab, dir: shortDir(t), key: make([]byte, 32)}
	_, _ = rand.Read(in.key) // never fails
	in.monitor, in.noc = in.host("monitor"), in.host("noc")
	in.world = &world{in: in, host: in.host("world")}
	in.link(in.monitor, "10.3.0.1/24", in.noc, "10.3.0.2/24")
	in.receiver = newReceiver(t, in.listen(hookAddress), in.key, nil)
	return in
}

// shortDir makes a folder whose path leaves room for the names of Unix sockets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (in *internet) host(name string) *netlab.Host {
	in.t.Helper()
	h, err := in.lab.Host(name)
	if err != nil {
		in.t.Fatal(err)
	}
	return h
}

func (in *internet) link(a *netlab.Host, addrA string, b *netlab.Host, addrB string) *netlab.Link {
	in.t.Helper()
	k, err := in.lab.Link(a, netip.MustParsePrefix(addrA), b, netip.MustParsePrefix(addrB))
	if err != nil {
		in.t.Fatal(err)
	}
	return k
}

func (in *internet) number(k *netlab.Link, addrA, addrB string) {
	in.t.Helper()
	if err := k.Number(netip.MustParsePrefix(addrA), netip.MustParsePrefix(addrB)); err != nil {
		in.t.Fatal(err)
	}
}

func (in *internet) listen(address string) net.Listener {
	in.t.Helper()
	ln, err := in.noc.Listen(in.t.Context(), "tcp", address)
	if err != nil {
		in.t.Fatal(err)
	}
	return ln
}

// settings are what cases want of the daemon's configuration.
type settings struct {
	ASN         uint32
	Listen      bool
	GTSM        bool
	AbsenceHold string   // "" = at once
	Without     []string // prefixes that are not registered
	More        string   // further tables
}

var settingsTemplate = template.Must(template.New("peervane.toml").Parse(`
[daemon]
asn = {{.ASN}}
router_id = "10.3.0.1"
source = "monitor"
{{- if .Listen}}
listen = ["[::]:179"]
{{- end}}

[log]
level = "debug"

[detect]
absence_hold = "{{or .AbsenceHold "0s"}}"

[defaults.peer]
hold_time = "9s"
connect_retry = "1s"
{{- if .GTSM}}
gtsm_hops = 1
{{- end}}
{{range .Peers}}
[[peer]]
name = "{{.Name}}"
address = "{{.Address}}"
asn = {{.ASN}}
{{- if ne .ASN $.ASN}}
relationship = "provider"
{{- end}}
{{- if .Password}}
password_file = "{{.Password}}"
{{- end}}
{{end}}
{{range .Prefixes}}
[[prefix]]
prefix = "{{.}}"
origins = [{{$.Origin}}]
{{end}}
[[channel]]
name = "noc"
kind = "webhook"
url = "http://{{.Hook}}/peervane"
secret_file = "secret"
min_severity = "info"
allow_private = true

{{.More}}`))

// configure writes the daemon's configuration, and gives its file.
func (in *internet) configure(s settings) string {
	in.t.Helper()
	type peer struct {
		Name, Address, Password string
		ASN                     uint32
	}
	values := struct {
		settings
		Peers    []peer
		Prefixes []string
		Origin   int
		Hook     string
	}{settings: s, Origin: originASN, Hook: hookAddress}
	for _, e := range in.edges {
		password := ""
		if e.MonitorPassword != "" {
			password = write(in.t, in.dir, e.Name+".md5", e.MonitorPassword)
		}
		from4, from6 := e.Here4(), e.Here6()
		if e.Dynamic {
			from4, from6 = masked(from4+"/24"), masked(from6+"/64")
		}
		values.Peers = append(values.Peers, peer{e.Name + "-v4", from4, password, e.ASN}, peer{e.Name + "-v6", from6, password, e.ASN})
	}
	for _, p := range []string{registered4, registered6} {
		if !slices.Contains(s.Without, p) {
			values.Prefixes = append(values.Prefixes, p)
		}
	}
	write(in.t, in.dir, "secret", "whsec_"+base64.StdEncoding.EncodeToString(in.key)+"\n")
	var text strings.Builder
	if err := settingsTemplate.Execute(&text, values); err != nil {
		in.t.Fatal(err)
	}
	return write(in.t, in.dir, "peervane.toml", text.String())
}

func masked(prefix string) string { return netip.MustParsePrefix(prefix).Masked().String() }

// start starts the world, the edges and the daemon, and waits until every session has shown the registered prefixes.
func (in *internet) start(s settings) {
	in.t.Helper()
	in.startRouters()
	in.watcher = runPeervane(in.t, in.binary, in.monitor, in.configure(s))
	in.ready()
}

// startRouters starts the world and the edges, and waits until they have learnt the registered prefixes.
func (in *internet) startRouters() {
	in.t.Helper()
	in.world.start()
	for _, e := range in.edges {
		e.start()
	}
	for _, e := range in.edges {
		e.learns(registered4, originASN)
		e.learns(registered6, originASN)
	}
}

// ready waits until all is as it is in quiet times.
func (in *internet) ready() {
	in.t.Helper()
	in.watcher.established(in.t)
	in.watcher.sees(in.t, registered4, 2*len(in.edges))
	in.watcher.sees(in.t, registered6, 2*len(in.edges))
}

// hijack announces the more-specific of a family, and holds the notice to it; vantages is how many see it.
func (in *internet) hijack(name, prefix, inside string, vantages int) alert {
	in.t.Helper()
	in.world.announce(name)
	a := in.expect("firing", "subprefix", prefix)
	if err := in.judge(a, inside); err != nil {
		in.t.Errorf("%v: %s", err, a)
	}
	in.everywhere(prefix, vantages)
	return a
}

// everywhere waits until the hijacker's route to the prefix is at that many vantages. The first suffices to fire, and the
// others follow, told or not; what is withdrawn before, and comes to the last after it has left the first, is told twice.
func (in *internet) everywhere(prefix string, vantages int) {
	in.t.Helper()
	eventually(in.t, "the hijack is not seen everywhere", func() error {
		routes, err := in.watcher.routes(in.t, prefix)
		seen := map[string]bool{}
		for _, r := range routes {
			if r.Prefix == prefix && strings.HasSuffix(r.ASPath, fmt.Sprint(" ", hijackASN)) {
				seen[r.Vantage] = true
			}
		}
		if err == nil && len(seen) != vantages {
			err = fmt.Errorf("at %d vantages, want %d", len(seen), vantages)
		}
		return err
	})
}

func (in *internet) judge(a alert, inside string) error {
	var errs []error
	if a.Prefix != inside || a.Culprit != hijackASN || a.Severity != "critical" {
		errs = append(errs, fmt.Errorf("prefix %s, culprit AS%d, severity %s", a.Prefix, a.Culprit, a.Severity))
	}
	for _, r := range a.Evidence.Routes {
		if r.Origin != hijackASN || !strings.HasSuffix(r.ASPath, fmt.Sprintf("%d %d", rogueASN, hijackASN)) {
			errs = append(errs, fmt.Errorf("evidence: %s at %s by AS path %q", r.Prefix, r.Vantage, r.ASPath))
		}
	}
	if len(a.Evidence.Routes) == 0 {
		errs = append(errs, errors.New("there is no evidence"))
	}
	return errors.Join(errs...)
}

// end withdraws what a case has announced, and waits for the end of that very incident.
func (in *internet) end(name string, fired alert) {
	in.t.Helper()
	in.world.withdraw(name)
	if a := in.expect("resolved", fired.Type, fired.Offending); a.Incident != fired.Incident {
		in.t.Errorf("incident %s was resolved, but %s had fired: %s", a.Incident, fired.Incident, a)
	}
}

func (in *internet) expect(status, kind, offending string) alert {
	in.t.Helper()
	return in.receiver.expect(in.t, fmt.Sprintf("%s %s %s", status, kind, offending), func(a *alert) bool {
		return a.Status == status && a.Type == kind && a.Offending == offending
	})
}

// finish ends a case: nothing was told that was not expected, and the daemon ends in order.
func (in *internet) finish() {
	in.t.Helper()
	in.watcher.terminate(in.t)
	in.receiver.nothingElse(in.t)
}
