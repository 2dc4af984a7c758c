package notice

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"testing"
)

// told is a part as the documentation has it: its length, a colon, its text.
func told[T interface {
	comparable
	fmt.Stringer
}](v T) string {
	var zero T
	if v == zero {
		return "0:"
	}
	return fmt.Sprintf("%d:%s", len(v.String()), v)
}

// A fingerprint is that of the texts of its parts, however they are written, and makes no garbage but itself.
func TestFingerprintIsOfTheTexts(t *testing.T) {
	prefixes := []netip.Prefix{{}, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32"),
		netip.PrefixFrom(netip.MustParseAddr("::ffff:192.0.2.1"), 128), netip.MustParsePrefix("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128")}
	sources := []netip.Addr{{}, netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::ffff:192.0.2.1"), netip.MustParseAddr("fe80::1%a-very-long-name-of-an-interface-that-has-no-room-at-all-in-sixty-four")}
	for _, p := range prefixes {
		for _, q := range prefixes {
			for _, source := range sources {
				id := Identity{Type: "origin_change", Prefix: p, Offending: q, Culprit: 4294967295, Peer: "edge1", Source: source}
				text := "13:origin_change" + told(p) + told(q) + "10:4294967295" + "5:edge1" + "0:" + told(source)
				if want := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:32]; id.Fingerprint() != want {
					t.Errorf("%s has %s, not %s", text, id.Fingerprint(), want)
				}
			}
		}
	}
	id := Identity{Type: "subprefix", Prefix: prefixes[2], Offending: prefixes[2], Culprit: 64510}
	if n := testing.AllocsPerRun(100, func() { id.Fingerprint() }); n > 1 {
		t.Errorf("a fingerprint takes %.0f objects", n)
	}
}
