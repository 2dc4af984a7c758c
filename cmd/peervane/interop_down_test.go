package main

import (
	"os"
	"testing"
)

// testDown: all routers that can run here are killed during a hijack, and come back after it. Each session is told to be
// down, and up again under the same id; the hijack does not end for being out of sight, and ends when it is seen to be
// over.
func testDown(t *testing.T, binary string) {
	in := newInternet(t, binary)
	for _, k := range kinds {
		if k.missing() == "" || allRequired() {
			in.edge(k)
		}
	}
	in.start(settings{ASN: monitorASN, AbsenceHold: "15s"}) // longer than a router takes to learn its routes anew
	sessions := 2 * len(in.edges)
	fired := in.hijack("hijack4", hijacked4, registered4, sessions)
	for _, e := range in.edges {
		e.crash()
	}
	in.expectLost(fired)
	in.world.withdraw("hijack4")
	down := map[string]string{}
	for range sessions {
		a := in.session("firing")
		down[a.Peer] = a.Incident
	}
	for _, e := range in.edges {
		e.run()
	}
	for range sessions {
		a := in.session("resolved")
		if down[a.Peer] != a.Incident {
			t.Errorf("%s was told to be down as %s, and to be up as %s", a.Peer, down[a.Peer], a.Incident)
		}
		delete(down, a.Peer)
	}
	if len(down) > 0 {
		t.Errorf("never told to be up: %v", down)
	}
	if a := in.expect("resolved", "subprefix", hijacked4); a.Incident != fired.Incident {
		t.Errorf("incident %s was resolved, but %s had fired", a.Incident, fired.Incident)
	}
	in.ready()
	in.finish()
}

// session waits for a notice about a session.
func (in *internet) session(status string) alert {
	in.t.Helper()
	return in.receiver.expect(in.t, status+" session_down", func(a *alert) bool {
		return a.Status == status && a.Type == "session_down"
	})
}

// allRequired says whether nothing may be skipped.
func allRequired() bool { return os.Getenv("PEERVANE_REQUIRE") == "all" }
