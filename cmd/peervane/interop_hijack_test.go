package main

import (
	"fmt"
	"strings"
	"testing"
)

// testHijack: sessions over IPv4 and IPv6, both families in each, four-byte ASNs, ADD-PATH and BGP Role. The more-specific
// of the hijacker is told, and its end.
func testHijack(t *testing.T, binary string) {
	each(t, kinds, func(t *testing.T, k *kind) {
		in := newInternet(t, binary)
		in.edge(k)
		in.start(settings{ASN: monitorASN})
		a4 := in.hijack("hijack4", hijacked4, registered4, 2)
		a6 := in.hijack("hijack6", hijacked6, registered6, 2)
		in.wall(a4)
		in.end("hijack4", a4)
		in.end("hijack6", a6)
		for _, c := range []struct{ name, prefix string }{{"origin4", registered4}, {"origin6", registered6}} {
			in.end(c.name, in.losing(c.name, c.prefix, 2))
		}
		in.finish()
	})
}

// wall waits until the page shows an incident.
func (in *internet) wall(a alert) {
	in.t.Helper()
	eventually(in.t, "the page does not show the incident", func() error {
		page, err := in.watcher.get(in.t, "/")
		if err == nil && !strings.Contains(string(page), a.Incident) {
			err = fmt.Errorf("%s", page)
		}
		return err
	})
}

// losing has the hijacker announce the registered prefix itself, by a path that the edge does not prefer: only ADD-PATH
// shows it, at that many vantages.
func (in *internet) losing(name, prefix string, vantages int) alert {
	in.t.Helper()
	in.world.announce(name)
	a := in.expect("firing", "origin_change", prefix)
	if a.Prefix != prefix || a.Culprit != hijackASN {
		in.t.Errorf("want the culprit AS%d for %s: %s", hijackASN, prefix, a)
	}
	in.everywhere(prefix, vantages)
	return a
}
