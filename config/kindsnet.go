package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// asn is a usable AS number. Reserved ones are none: 0 (RFC 7607), 23456
// (RFC 6793), 65535 and 4294967295 (RFC 7300).
func asn(l *loading, v value) (uint32, bool) {
	n, ok := v.raw.(int64)
	if s, quoted := v.raw.(string); quoted {
		if n, ok := parseASN(s); ok && !isReservedASN(n) {
			return wrong[uint32](l, v, fmt.Sprintf("%d, a bare number", n))
		}
	}
	if !ok || n < 0 || n > 1<<32-1 {
		return wrong[uint32](l, v, "an AS number as a bare number, such as 64500")
	}
	if isReservedASN(uint32(n)) {
		return wrong[uint32](l, v, "an AS number of a network; this one is reserved")
	}
	return uint32(n), true
}

// parseASN reads "64500" or "AS64500".
func parseASN(s string) (uint32, bool) {
	if len(s) > 2 && strings.EqualFold(s[:2], "AS") {
		s = s[2:]
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}

func isReservedASN(n uint32) bool {
	return n == 0 || n == 23456 || n == 65535 || n == 1<<32-1
}

// asnOrZero is an AS number or 0 for none.
func asnOrZero(l *loading, v value) (uint32, bool) {
	if n, ok := v.raw.(int64); ok && n == 0 {
		return 0, true
	}
	return asn(l, v)
}

// asnSet is a set of AS numbers, ascending.
func asnSet(l *loading, v value) ([]uint32, bool) {
	list, ok := setOf(asn)(l, v)
	slices.Sort(list)
	return list, ok
}

// listedASNs is asnSet where an empty list says something else than none.
func listedASNs(l *loading, v value) ([]uint32, bool) {
	list, ok := asnSet(l, v)
	if ok && list == nil {
		list = []uint32{}
	}
	return list, ok
}

// unicast is an address that a host can have.
func unicast(l *loading, v value) (netip.Addr, bool) {
	s, _ := v.raw.(string)
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		return wrong[netip.Addr](l, v, `an address, such as "192.0.2.1" or "2001:db8::1"`)
	case a.Zone() != "":
		return wrong[netip.Addr](l, v, fmt.Sprintf("%q, and the interface in interface = %q", a.WithZone(""), a.Zone()))
	case a.Is4In6():
		return wrong[netip.Addr](l, v, fmt.Sprintf("%q, the IPv4 address itself", a.Unmap()))
	case a.IsUnspecified(), a.IsMulticast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return wrong[netip.Addr](l, v, "the unicast address of one host")
	}
	return a, true
}

// addressOrNone is a unicast address, or "".
func addressOrNone(l *loading, v value) (netip.Addr, bool) {
	if v.raw == "" {
		return netip.Addr{}, true
	}
	return unicast(l, v)
}

// routerID is a BGP Identifier: four octets, not zero (RFC 6286).
func routerID(l *loading, v value) (netip.Addr, bool) {
	s, _ := v.raw.(string)
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() || a.IsUnspecified() {
		return wrong[netip.Addr](l, v, `an IPv4 address other than 0.0.0.0, such as "192.0.2.10"`)
	}
	return a, true
}

// socket is an address and a port to listen on.
func socket(l *loading, v value) (netip.AddrPort, bool) {
	s, _ := v.raw.(string)
	a, err := netip.ParseAddrPort(s)
	if err == nil && a.Port() != 0 {
		return a, true
	}
	if port, found := strings.CutPrefix(s, ":"); found {
		return wrong[netip.AddrPort](l, v, fmt.Sprintf(`%q for every address`, "[::]:"+port))
	}
	return wrong[netip.AddrPort](l, v, `an address and a port, such as "127.0.0.1:9479" or "[::]:179"`)
}

// socketOrNone is a socket, or "".
func socketOrNone(l *loading, v value) (netip.AddrPort, bool) {
	if v.raw == "" {
		return netip.AddrPort{}, true
	}
	return socket(l, v)
}

func portNumber(l *loading, v value) (uint16, bool) {
	n, ok := number(1, 65535)(l, v)
	return uint16(n), ok
}

// network is a prefix without host bits.
func network(l *loading, v value) (netip.Prefix, bool) {
	s, _ := v.raw.(string)
	p, mend := parseNetwork(s)
	if mend != "" {
		return wrong[netip.Prefix](l, v, mend)
	}
	return p, true
}

// parseNetwork returns the prefix, or what to write instead.
func parseNetwork(s string) (p netip.Prefix, mend string) {
	if len(s) > 100 { // whatever it is: the errors of netip repeat it
		s = ""
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		if a, bad := netip.ParseAddr(s); bad == nil && a.Zone() == "" {
			return p, fmt.Sprintf("its length too, %q for the one address", fmt.Sprintf("%s/%d", a.Unmap(), a.Unmap().BitLen()))
		}
		return p, `a prefix, such as "203.0.113.0/24" or "2001:db8::/32"`
	}
	if p.Addr().Is4In6() {
		return p, "the IPv4 prefix itself"
	}
	if m := p.Masked(); m != p {
		return p, fmt.Sprintf("%q: it has bits set behind its length", m)
	}
	return p, ""
}

// device is the name of a network interface, or "" (IFNAMSIZ, less its zero).
func device(l *loading, v value) (string, bool) {
	s, ok := v.raw.(string)
	if !ok || len(s) > 15 || strings.ContainsAny(s, "/: \t\n") || s == "." || s == ".." {
		return wrong[string](l, v, `the name of an interface of this host, such as "eth0"`)
	}
	return s, true
}

// community is a community or a large one.
func community(l *loading, v value) (Community, bool) {
	s, _ := v.raw.(string)
	c, err := parseCommunity(s)
	if err != nil {
		return wrong[Community](l, v, err.Error())
	}
	return c, true
}
