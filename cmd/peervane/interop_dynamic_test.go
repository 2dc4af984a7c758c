package main

import (
	"strings"
	"testing"
)

// testDynamic: neighbours out of a range, of which the daemon knows no more than that. They connect to it, under TCP MD5
// and GTSM; one whose packets might have come from far away is refused.
func testDynamic(t *testing.T, binary string) {
	each(t, kinds, func(t *testing.T, k *kind) {
		in := newInternet(t, binary)
		e := in.edge(k)
		e.Dynamic, e.Password, e.MonitorPassword = true, "correct-horse", "correct-horse"
		in.startRouters()
		in.watcher = runPeervane(t, binary, in.monitor, in.configure(settings{ASN: monitorASN, Listen: true, GTSM: true, AbsenceHold: "15s"}))
		in.watcher.said(t, "a connection from too far away", func(text string) bool {
			return strings.Contains(text, "but gtsm_hops demands at least 255")
		})
		if strings.Contains(in.watcher.text(), `"session established"`) {
			t.Fatal("a session came up without GTSM at the router")
		}
		e.crash()
		e.GTSM = true
		e.start()
		in.ready()
		in.end("hijack4", in.hijack("hijack4", hijacked4, registered4, 2))
		in.finish()
	})
}
