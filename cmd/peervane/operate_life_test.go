package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"peervane/daemon/api"
	"peervane/daemon/notice"
)

// TestOperateIncidents acknowledges and silences at a live daemon, over a restart, and looks at who is told what.
func TestOperateIncidents(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	t.Setenv("RUNTIME_DIRECTORY", t.TempDir())
	edge, hook := startRouter(t, ctx), newMoody(t)
	d := killable{bin: buildPeervane(t), dir: t.TempDir(), log: &bytes.Buffer{}}
	d.configure(t, edge.listener.Addr().String(), hook.URL)
	edge.announce(netip.MustParsePrefix("10.0.0.0/8"), 64496)
	d.start(t)
	edge.await(t, ctx) // the control socket is open by then
	o := operator{t, filepath.Join(os.Getenv("RUNTIME_DIRECTORY"), controlName)}

	edge.announce(hijack(1), 3356)
	hook.await(t, "the hijack", func(taken []notice.Notice) bool { return tells(taken, hijack(1), notice.Firing, "") != "" })
	hook.mu.Lock()
	id := tells(hook.taken, hijack(1), notice.Firing, "")
	hook.mu.Unlock()
	if out, _ := o.types(0, "ack", id, "--by", "anna", "--comment", "called AS3356"); out != "incident "+id+" acknowledged by anna\n" {
		t.Errorf("got %q", out)
	}
	hook.await(t, "the acknowledgement", func(taken []notice.Notice) bool {
		return tells(taken, hijack(1), notice.Updated, notice.ReasonAcknowledged) == id && strings.HasSuffix(taken[len(taken)-1].Summary, "; acknowledged by anna: called AS3356")
	})
	if _, said := o.types(1, "ack", "nobody"); !strings.Contains(said, "no open incident has this id") {
		t.Errorf("got %q", said)
	}

	silence := addSilence(o)
	edge.announce(hijack(2), 3356)
	o.awaitSilenced(silence, 1)
	d.kill(t)
	d.start(t)
	edge.await(t, ctx)
	o.awaitSilenced(silence, 1)
	edge.announce(hijack(3), 3356) // told, so that what was told before is all there is of the silenced one
	hook.await(t, "what nothing silences", func(taken []notice.Notice) bool { return tells(taken, hijack(3), notice.Firing, "") != "" })
	hook.mu.Lock()
	if tells(hook.taken, hijack(2), notice.Firing, "") != "" {
		t.Error("a silenced incident was told")
	}
	hook.mu.Unlock()
	if out, _ := o.types(0, "silence", "remove", silence); out != "silence "+silence+" removed\n" {
		t.Errorf("got %q", out)
	}
	hook.await(t, "what was silenced", func(taken []notice.Notice) bool { return tells(taken, hijack(2), notice.Firing, "") != "" })
	revalidates(o)
	d.kill(t)
}

// tells gives the id of the incident of which a notice is among those taken; "" when none is.
func tells(taken []notice.Notice, offending netip.Prefix, status notice.Status, reason string) string {
	for _, n := range taken {
		if n.Offending == offending && n.Status == status && n.Reason == reason {
			return n.Incident
		}
	}
	return ""
}

func addSilence(o operator) (id string) {
	o.types(64, "silence", "add", "--for", "1h", "--why", "fibre work")
	o.types(64, "silence", "add", "prefix="+hijack(2).String(), "--why", "fibre work")
	if _, said := o.types(64, "silence", "add", "typ=subprefix", "--for", "1h", "--why", "x"); !strings.Contains(said, `there is no key "typ": use incident, type, `) {
		o.Errorf("got %q", said)
	}
	if _, said := o.types(64, "silence", "add", "type=subprefix", "type=withdrawn", "--for", "1h", "--why", "x"); !strings.Contains(said, "no incident has ") {
		o.Errorf("got %q", said)
	}
	if _, said := o.types(1, "silence", "add", "incident=nobody", "--for", "1h", "--why", "x"); !strings.Contains(said, "no open incident has this id") {
		o.Errorf("got %q", said)
	}
	out, _ := o.types(0, "silence", "add", "prefix="+hijack(2).String(), "type=subprefix", "--for", "1h", "--why", "fibre work", "--by", "anna")
	m := regexp.MustCompile(`^silence (\w{26}) until \S+Z: prefix=\S+ type=subprefix; it holds back no incident that is open now\n$`).FindStringSubmatch(out)
	if m == nil {
		o.Fatalf("got %q", out)
	}
	table, _ := o.types(0, "silence", "list")
	if !regexp.MustCompile(`(?m)^` + m[1] + ` +\S+Z +anna +0 +prefix=\S+ type=subprefix +fibre work$`).MatchString(table) {
		o.Errorf("got %s", table)
	}
	o.types(1, "silence", "remove", "nobody")
	return m[1]
}

// awaitSilenced waits until a silence matches so many open incidents.
func (o operator) awaitSilenced(id string, n int) {
	o.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(time.Minute)
	for {
		out, _ := o.types(0, "silence", "list", "--json")
		var all []api.Silence
		if err := json.Unmarshal([]byte(out), &all); err != nil {
			o.Fatalf("%v: %s", err, out)
		}
		if len(all) == 1 && all[0].ID == id && all[0].Incidents == n {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			o.Fatalf("%d incidents are to be silenced: %s", n, out)
		}
	}
}

func revalidates(o operator) {
	out, said := o.types(0, "revalidate", "10.0.0.0/8")
	if !strings.Contains(out, "10.0.0.0/8") || !strings.Contains(said, "asked again: edge") && !strings.Contains(said, "no router was asked again") {
		o.Errorf("got %q, %q", out, said)
	}
	o.types(1, "revalidate", "192.0.2.0/24")
	o.types(64, "revalidate", "10.0.0.1/8")
}
