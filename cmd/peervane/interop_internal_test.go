package main

import (
	"fmt"
	"testing"
)

// testInternal is the usual deployment: iBGP from two edge routers. What originates in the own network, by an empty path or
// behind a private ASN, is no false alarm; what comes from outside is judged as ever, on all paths.
func testInternal(t *testing.T, binary string) {
	const own = "198.51.100.0/24"
	in := newInternet(t, binary)
	for _, k := range []*kind{bird, frr} {
		in.edge(k).ASN = monitorASN
	}
	in.edges[0].Extra = `
protocol static own { ipv4; route ` + own + ` blackhole; route 198.51.100.16/28 blackhole; }
protocol static customer {
	ipv4 { import filter { bgp_path = +empty+; bgp_path = prepend(bgp_path, 64700); accept; }; };
	route 198.51.100.32/28 blackhole;
}`
	in.edges[1].Extra = fmt.Sprintf(`
route-map customer permit 10
 set as-path prepend 64701
!
router bgp %d
 address-family ipv4 unicast
  network %s
  network 198.51.100.48/28
  network 198.51.100.64/28 route-map customer
 exit-address-family
!`, monitorASN, own)
	in.start(settings{ASN: monitorASN, More: fmt.Sprintf(`
[[prefix]]
prefix = "%s"
origins = [%d]

[[neighbour]]
asn = %d
relationship = "provider"

[[neighbour]]
asn = %d
relationship = "peer"
`, own, monitorASN, goodASN, rogueASN)})
	in.watcher.sees(t, own, 4)
	eventually(t, "not all internal routes are seen", func() error {
		routes, err := in.watcher.routes(t, own)
		if err == nil && len(routes) != 12 { // three from each edge, over two sessions
			err = fmt.Errorf("%+v", routes)
		}
		return err
	})
	in.end("hijack4", in.hijack("hijack4", hijacked4, registered4, 4))
	in.end("hijack6", in.hijack("hijack6", hijacked6, registered6, 4))
	in.end("origin4", in.losing("origin4", registered4, 4))
	in.finish()
}
