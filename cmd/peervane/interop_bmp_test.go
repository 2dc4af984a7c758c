package main

import (
	"fmt"
	"slices"
	"testing"
)

// bmpExtra has a router show its neighbours to the monitor (RFC 7854).
var bmpExtra = map[*kind]func(e *edge) string{
	frr: func(e *edge) string {
		text := fmt.Sprintf("router bgp %d\n", e.ASN)
		for _, n := range e.Networks() {
			text += fmt.Sprintf(" address-family %s unicast\n  neighbor %s soft-reconfiguration inbound\n exit-address-family\n", n.Family, n.Address)
		}
		return text + ` bmp targets peervane
  bmp connect ` + e.Monitor4() + ` port 11019 min-retry 100 max-retry 500
  bmp stats interval 1000
  bmp monitor ipv4 unicast pre-policy
  bmp monitor ipv6 unicast pre-policy
 exit
!`
	},
	gobgpd: func(e *edge) string {
		return `[[bmp-servers]]
  [bmp-servers.config]
    address = "` + e.Monitor4() + `"
    port = 11019
    route-monitoring-policy = "pre-policy"
`
	},
}

// testBMP: routers show their neighbours, each of which is a vantage. The hijack is seen there, too, and ends there.
func testBMP(t *testing.T, binary string) {
	each(t, []*kind{frr, gobgpd}, func(t *testing.T, k *kind) {
		in := newInternet(t, binary)
		e := in.edge(k)
		e.Extra = bmpExtra[k](e)
		in.startRouters()
		in.watcher = runPeervane(t, in.binary, in.monitor, in.configure(settings{ASN: monitorASN, More: `
[[feed]]
name = "routers"
kind = "bmp"
listen = "[::]:11019"
allow = ["10.1.0.0/16"]
`}))
		in.watcher.established(t)
		good4 := fmt.Sprintf("routers/%s/%s/%d", e.Here4(), e.Networks()[0].Address, goodASN)
		good6 := fmt.Sprintf("routers/%s/%s/%d", e.Here4(), e.Networks()[1].Address, goodASN)
		in.shows(good4, registered4)
		in.shows(good6, registered6)
		a4 := in.hijack("hijack4", hijacked4, registered4, 3)
		a6 := in.hijack("hijack6", hijacked6, registered6, 3)
		in.shows(fmt.Sprintf("routers/%s/%s/%d", e.Here4(), e.Networks()[2].Address, rogueASN), hijacked4)
		in.end("hijack4", a4)
		in.end("hijack6", a6)
		in.finish()
	})
}

// shows waits until a vantage shows a route of exactly a prefix.
func (in *internet) shows(vantage, prefix string) {
	in.t.Helper()
	eventually(in.t, vantage+" does not show "+prefix, func() error {
		routes, err := in.watcher.routes(in.t, prefix)
		if err == nil && !slices.ContainsFunc(routes, func(r shownRoute) bool { return r.Vantage == vantage && r.Prefix == prefix }) {
			err = fmt.Errorf("%+v", routes)
		}
		return err
	})
}
