package main

import (
	"fmt"
	"testing"
	"time"

	"peervane/probe/netlab"
)

// restarts says how each router can be restarted.
var restarts = []struct {
	kind    *kind
	restart restart
	name    string
}{
	{bird, preserve, "BIRD preserves its forwarding state"},
	{bird, forgets, "BIRD forgets it"},
	{frr, preserve, "FRR preserves its forwarding state"},
	{frr, forgets, "FRR forgets it"},
	{gobgpd, preserve, "gobgpd preserves its forwarding state"},
	{gobgpd, forgets, "gobgpd forgets it"},
	{openbgpd, plain, "OpenBGPD lists no families"},
}

// testRestart: a router crashes during a hijack, and comes back. What it has preserved is kept as stale until it has told
// all anew, and nothing is heard of the restart. What it has not preserved is unknown: at once where it lists no families,
// and otherwise when it returns (RFC 4724 section 4.2). That alone ends no incident.
func testRestart(t *testing.T, binary string) {
	for _, c := range restarts {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := newInternet(t, binary)
			e := in.edge(c.kind)
			e.Restart = c.restart
			hold := "15s" // longer than a router takes to learn its routes anew
			if c.restart == preserve {
				hold = "0s"
			}
			in.start(settings{ASN: monitorASN, AbsenceHold: hold})
			fired := in.hijack("hijack4", hijacked4, registered4, 2)
			e.crash()
			if c.restart == plain {
				in.expectLost(fired)
				in.holds(registered4, 0, false)
			} else {
				in.holds(registered4, 4, true)
			}
			if c.restart == preserve {
				e.run()
				in.ready()
				in.holds(registered4, 4, false)
				in.end("hijack4", fired)
			} else {
				in.comeBack(e, fired)
			}
			in.end("marker4", in.hijack("marker4", marker4, registered4, 2))
			in.finish()
		})
	}
}

// comeBack restarts a router that has preserved nothing, when the hijack is over. The way to it is long enough for its
// return to be judged before it says what it has.
func (in *internet) comeBack(e *edge, fired alert) {
	in.t.Helper()
	in.world.withdraw("hijack4")
	if err := e.link.Set(netlab.Both, netlab.Impairment{Delay: 50 * time.Millisecond}); err != nil {
		in.t.Fatal(err)
	}
	e.run()
	if e.Restart == forgets {
		in.expectLost(fired)
	}
	if a := in.expect("resolved", "subprefix", hijacked4); a.Incident != fired.Incident {
		in.t.Errorf("incident %s was resolved, but %s had fired", a.Incident, fired.Incident)
	}
	in.ready()
}

// expectLost waits for the notice that a vantage of an incident is out of sight.
func (in *internet) expectLost(fired alert) {
	in.t.Helper()
	in.receiver.expect(in.t, "updated, vantage_lost", func(a *alert) bool {
		return a.Status == "updated" && a.Reason == "vantage_lost" && a.Incident == fired.Incident
	})
}

// holds waits until the daemon holds so many routes inside a prefix, all of them stale or none.
func (in *internet) holds(prefix string, want int, stale bool) {
	in.t.Helper()
	eventually(in.t, "the routes held are not those that should be", func() error {
		routes, err := in.watcher.routes(in.t, prefix)
		ok := len(routes) == want
		for _, r := range routes {
			ok = ok && r.Stale == stale
		}
		if err == nil && !ok {
			err = fmt.Errorf("want %d, stale %t: %+v", want, stale, routes)
		}
		return err
	})
}
