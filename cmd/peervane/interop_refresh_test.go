package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// testRefresh: a prefix is registered by a reload, long after the routers have told of its hijack. A route refresh finds
// it; no session is restarted for that.
func testRefresh(t *testing.T, binary string) {
	each(t, kinds, func(t *testing.T, k *kind) {
		in := newInternet(t, binary)
		e := in.edge(k)
		e.Restart = forgets // so that its End-of-RIB is waited for
		in.startRouters()
		in.world.announce("hijack4")
		e.learns(hijacked4, hijackASN)
		s := settings{ASN: monitorASN, Without: []string{registered4}}
		in.watcher = runPeervane(t, binary, in.monitor, in.configure(s))
		in.watcher.sees(t, registered6, 2)
		since := in.inSync()
		s.Without = nil
		in.configure(s)
		in.watcher.reload(t)
		drops := dropsRefresh(e)
		if drops {
			in.unanswered(e)
		}
		fired := in.expect("firing", "subprefix", hijacked4)
		if err := in.judge(fired, registered4); err != nil {
			t.Errorf("%v: %s", err, fired)
		}
		in.watcher.sees(t, registered4, 2)
		if now := in.inSync(); now != since && !drops {
			t.Errorf("sessions Established since %v were restarted: %v", since, now)
		}
		in.end("hijack4", fired)
		in.finish()
	})
}

// dropsRefresh says whether the router is an OpenBGPD before 7.8, which takes a route refresh for a family that was
// negotiated, and drops it.
func dropsRefresh(e *edge) bool {
	if e.kind != openbgpd {
		return false
	}
	out, err := output(e.in.t, e.host, e.kind.program, "-V")
	var major, minor int
	if _, scan := fmt.Sscanf(out, "OpenBGPD %d.%d", &major, &minor); err != nil || scan != nil {
		e.in.t.Fatalf("which OpenBGPD is it? %v %v", err, scan)
	}
	return major < 7 || major == 7 && minor < 8
}

// unanswered waits until the daemon has said that it knows nothing of what is newly registered, which is all that it
// says, and has the operator restart the sessions.
func (in *internet) unanswered(e *edge) {
	in.t.Helper()
	in.watcher.said(in.t, "the route refresh that was not answered", func(text string) bool {
		return strings.Count(text, "it does not answer a route refresh") == len(e.Monitors())
	})
	e.reset()
}

// inSync waits until the sessions have shown all that they have, and gives the times since when they are Established.
func (in *internet) inSync() (since [2]string) {
	in.t.Helper()
	eventually(in.t, "not all sessions are in sync", func() error {
		peers, err := ask[[]shownPeer](in.t, in.watcher, "/api/v1/peers")
		if err == nil && len(peers) != len(since) {
			err = errNotYet
		}
		for i, p := range peers {
			if p.State != "Established" || !p.InSync["ipv4"] || !p.InSync["ipv6"] {
				return errors.Join(err, errNotYet)
			}
			since[i] = p.Since
		}
		return err
	})
	return since
}
