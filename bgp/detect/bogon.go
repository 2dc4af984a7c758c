package detect

import "net/netip"

// bogons is address space that nobody can announce (the special-purpose registries of RFC 6890). Documentation prefixes
// are left out: examples use them as if they were public.
var bogons = [...]struct {
	prefix netip.Prefix
	name   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "the space of this network (RFC 791)"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private space (RFC 1918)"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared space (RFC 6598)"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback space (RFC 1122)"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local space (RFC 3927)"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private space (RFC 1918)"},
	{netip.MustParsePrefix("192.0.0.0/24"), "protocol assignments (RFC 6890)"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private space (RFC 1918)"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking space (RFC 2544)"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast space (RFC 5771)"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved space (RFC 1112)"},
	{netip.MustParsePrefix("fc00::/7"), "unique local space (RFC 4193)"},
	{netip.MustParsePrefix("fe80::/10"), "link-local space (RFC 4291)"},
	{netip.MustParsePrefix("ff00::/8"), "multicast space (RFC 4291)"},
}

// unicast6 is all that is global unicast of IPv6 (RFC 4291, as IANA allocates it).
var unicast6 = netip.MustParsePrefix("2000::/3")

// bogon names the special space that a prefix lies in or covers; "" = none.
func bogon(p netip.Prefix) string {
	for _, b := range bogons {
		if b.prefix.Overlaps(p) {
			return b.name
		}
	}
	if p.Addr().Is6() && !unicast6.Overlaps(p) {
		return "space that is not allocated (RFC 4291)"
	}
	return ""
}
