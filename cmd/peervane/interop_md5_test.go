package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"peervane/probe/netlab"
)

// testMD5: with the wrong key of TCP MD5 there is no session, whichever side connects; once the key is mended and the
// daemon told to reload, there is.
func testMD5(t *testing.T, binary string) {
	each(t, kinds, func(t *testing.T, k *kind) {
		in := newInternet(t, binary)
		e := in.edge(k)
		e.Password, e.MonitorPassword = "correct-horse", "battery-staple"
		s := settings{ASN: monitorASN, Listen: true}
		in.startRouters()
		in.watcher = runPeervane(t, binary, in.monitor, in.configure(s))
		for _, h := range []*netlab.Host{e.host, in.monitor} {
			eventually(t, "no segment was refused for its signature on "+h.Name(), func() error {
				refused, err := md5Failures(h)
				if err == nil && refused == 0 {
					err = errNotYet
				}
				return err
			})
		}
		if strings.Contains(in.watcher.text(), `"session established"`) {
			t.Fatal("a session came up with the wrong key")
		}
		e.MonitorPassword = e.Password
		in.configure(s)
		in.watcher.reload(t)
		in.ready()
		in.end("hijack4", in.hijack("hijack4", hijacked4, registered4, 2))
		in.finish()
	})
}

// md5Failures counts the segments that a host has refused because they were signed wrongly.
func md5Failures(h *netlab.Host) (n int, err error) {
	err = h.Do(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/netstat")
		if err != nil {
			return err
		}
		lines := strings.Split(string(text), "\n")
		for i := 0; i+1 < len(lines); i += 2 {
			values := strings.Fields(lines[i+1])
			for j, name := range strings.Fields(lines[i]) {
				if name == "TCPMD5Failure" {
					_, err = fmt.Sscan(values[j], &n)
					return err
				}
			}
		}
		return fmt.Errorf("the kernel does not count TCP MD5")
	})
	return n, err
}
