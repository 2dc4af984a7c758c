package source

import (
	"net/netip"
	"strconv"
)

// appendAddr prints an address as bgpdump does: unlike RFC 5952, a single zero group is shortened too, and an address
// of 32 bits in the last place is printed as IPv4.
func appendAddr(b []byte, a netip.Addr) []byte {
	switch {
	case !a.IsValid():
		return append(b, "255.255.255.255"...)
	case a.Is4():
		return a.AppendTo(b)
	}
	octets := a.As16()
	var groups [8]uint16
	for i := range groups {
		groups[i] = uint16(octets[2*i])<<8 | uint16(octets[2*i+1])
	}
	if prefix, ok := embedded(groups); ok {
		return netip.AddrFrom4([4]byte(octets[12:])).AppendTo(append(b, prefix...))
	}
	from, to := longestZeros(groups)
	for i := 0; i < len(groups); i++ {
		if i == from {
			b = append(b, ':')
			if from == 0 {
				b = append(b, ':')
			}
			i = to - 1
			continue
		}
		b = strconv.AppendUint(b, uint64(groups[i]), 16)
		if i < len(groups)-1 {
			b = append(b, ':')
		}
	}
	return b
}

// embedded says whether an address is IPv4-mapped, or IPv4-compatible and neither :: nor ::1.
func embedded(g [8]uint16) (prefix string, ok bool) {
	for _, group := range g[:5] {
		if group != 0 {
			return "", false
		}
	}
	switch {
	case g[5] == 0xffff:
		return "::ffff:", true
	case g[5] == 0 && (g[6] != 0 || g[7] > 1):
		return "::", true
	}
	return "", false
}

// longestZeros finds the first of the longest runs of zero groups; from is -1 if there is none.
func longestZeros(g [8]uint16) (from, to int) {
	from = -1
	for i := 0; i < len(g); i++ {
		start := i
		for i < len(g) && g[i] == 0 {
			i++
		}
		if i-start > to-from && i > start || from < 0 && i > start {
			from, to = start, i
		}
	}
	return from, to
}

func appendPrefix(b []byte, p netip.Prefix) []byte {
	b = append(appendAddr(b, p.Addr()), '/')
	return strconv.AppendUint(b, uint64(p.Bits()), 10)
}
