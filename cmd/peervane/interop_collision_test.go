package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"peervane/probe/netlab"
)

// testCollision: both ends connect, again and again, over a link so long that their connections cross. Each time one
// session comes of it, and exactly one. OpenBGPD and gobgpd themselves give their own attempt up when the other connects.
func testCollision(t *testing.T, binary string) {
	each(t, kinds, func(t *testing.T, k *kind) {
		const rounds = 5
		in := newInternet(t, binary)
		e := in.edge(k)
		if err := e.link.Set(netlab.Both, netlab.Impairment{Delay: 250 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		in.start(settings{ASN: monitorASN, Listen: true, AbsenceHold: "15s"})
		for range rounds {
			since := in.oneSession(e, [2]string{})
			e.crash()
			e.run()
			in.oneSession(e, since)
		}
		crossed := strings.Count(in.watcher.text(), `"connection collision resolved"`)
		if crossed == 0 && (k == bird || k == frr) {
			t.Error("no connections have crossed")
		}
		in.ready()
		in.end("hijack4", in.hijack("hijack4", hijacked4, registered4, 2))
		in.finish()
	})
}

// oneSession waits until each of the two sessions is Established, since another time than before, over the only TCP
// connection between its two ends.
func (in *internet) oneSession(e *edge, before [2]string) (since [2]string) {
	in.t.Helper()
	eventually(in.t, "there is not exactly one session", func() error {
		peers, err := ask[[]shownPeer](in.t, in.watcher, "/api/v1/peers")
		if err != nil || len(peers) != 2 {
			return errors.Join(err, errNotYet)
		}
		for i, p := range peers {
			if p.State != "Established" || p.Since == before[i] {
				return fmt.Errorf("%+v", p)
			}
			since[i] = p.Since
		}
		for _, m := range e.Monitors() {
			n, err := connections(in.monitor, netip.MustParseAddr(m.There), netip.MustParseAddr(m.Here))
			if err != nil || n != 1 {
				return errors.Join(err, fmt.Errorf("%d connections with %s", n, m.Here))
			}
		}
		return nil
	})
	return since
}

// connections counts the TCP connections of a host with another that are open.
func connections(h *netlab.Host, local, remote netip.Addr) (n int, err error) {
	err = h.Do(func() error {
		for _, name := range []string{"tcp", "tcp6"} {
			text, err := os.ReadFile("/proc/thread-self/net/" + name)
			if err != nil {
				return err
			}
			for line := range strings.Lines(string(text)) {
				const established = "01"
				if f := strings.Fields(line); len(f) > 3 && f[3] == established && kernelAddr(f[1]) == local && kernelAddr(f[2]) == remote {
					n++
				}
			}
		}
		return nil
	})
	return n, err
}

// kernelAddr reads an address as /proc writes it: words of 32 bits in the order of the host, a colon, the port.
func kernelAddr(s string) netip.Addr {
	s, _, _ = strings.Cut(s, ":")
	var b []byte
	for ; len(s) >= 8; s = s[8:] {
		word, _ := strconv.ParseUint(s[:8], 16, 32)
		b = binary.NativeEndian.AppendUint32(b, uint32(word))
	}
	a, _ := netip.AddrFromSlice(b)
	return a.Unmap()
}
