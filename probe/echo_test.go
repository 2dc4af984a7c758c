package probe

import (
	"bytes"
	"testing"

	"github.com/google/gopacket"
)

var cookie = []byte("sixteen bytes ok")

func TestEncodeEcho(t *testing.T) {
	for name, c := range map[string]struct {
		v6   bool
		want []byte
	}{
		// Type 8, code 0, checksum, id 0x1234, sequence 0x0102.
		"icmp": {false, append([]byte{8, 0, 0x86, 0x3a, 0x12, 0x34, 1, 2}, cookie...)},
		// Type 128, code 0; the kernel fills in the checksum.
		"icmpv6": {true, append([]byte{128, 0, 0, 0, 0x12, 0x34, 1, 2}, cookie...)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := echo{id: 0x1234, seq: 0x0102, cookie: cookie}.encode(gopacket.NewSerializeBuffer(), c.v6)
			must(t, err)
			if !c.v6 {
				expect(t, checksum(got), uint16(0))
				c.want[2], c.want[3] = got[2], got[3]
			}
			expect(t, got, c.want)
		})
	}
}

func TestDecodeEcho(t *testing.T) {
	reply4 := append([]byte{0, 0, 0, 0, 0x12, 0x34, 1, 2}, cookie...)
	reply6 := append([]byte{129, 0, 0, 0, 0x12, 0x34, 1, 2}, cookie...)
	for name, c := range map[string]struct {
		decode func([]byte) (echo, error)
		bytes  []byte
		want   echo
		fails  bool
	}{
		"icmp reply":           {decodeEcho4, reply4, echo{reply: true, id: 0x1234, seq: 0x0102, cookie: cookie}, false},
		"icmpv6 reply":         {decodeEcho6, reply6, echo{reply: true, id: 0x1234, seq: 0x0102, cookie: cookie}, false},
		"icmp, header only":    {decodeEcho4, reply4[:8], echo{reply: true, id: 0x1234, seq: 0x0102, cookie: []byte{}}, false},
		"icmpv6, header only":  {decodeEcho6, reply6[:8], echo{reply: true, id: 0x1234, seq: 0x0102, cookie: []byte{}}, false},
		"icmp, cut short":      {decodeEcho4, reply4[:7], echo{}, true},
		"icmpv6, cut short":    {decodeEcho6, reply6[:7], echo{}, true},
		"icmp unreachable":     {decodeEcho4, append([]byte{3, 1}, reply4[2:]...), echo{}, true},
		"icmpv6 router advert": {decodeEcho6, append([]byte{134, 0}, reply6[2:]...), echo{}, true},
		"nothing":              {decodeEcho4, nil, echo{}, true},
		"raw, bad checksum":    {decodeRaw4, append(ip4Header(len(reply4), 1), reply4...), echo{}, true},
		"raw, not icmp":        {decodeRaw4, append(ip4Header(len(reply4), 17), sealed(reply4)...), echo{}, true},
		"raw":                  {decodeRaw4, append(ip4Header(len(reply4), 1), sealed(reply4)...), echo{reply: true, id: 0x1234, seq: 0x0102, cookie: cookie}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.decode(c.bytes)
			expect(t, err != nil, c.fails)
			if err == nil {
				expect(t, got, c.want)
			}
		})
	}
}

// sealed is an ICMP message with its checksum filled in.
func sealed(b []byte) []byte {
	b = bytes.Clone(b)
	b[2], b[3] = 0, 0
	sum := checksum(b)
	b[2], b[3] = byte(sum>>8), byte(sum)
	return b
}

func ip4Header(payload int, protocol byte) []byte {
	h := make([]byte, 20)
	h[0], h[3], h[8], h[9] = 0x45, byte(20+payload), 64, protocol
	return h
}

// TestChecksum has the example of RFC 1071 section 3, and one of odd length.
func TestChecksum(t *testing.T) {
	expect(t, checksum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}), ^uint16(0xddf2))
	expect(t, checksum([]byte{0x00, 0x01, 0xf2}), ^uint16(0xf201))
	expect(t, checksum(nil), uint16(0xffff))
}

func FuzzDecodeEcho(f *testing.F) {
	reply4 := sealed(append([]byte{0, 0, 0, 0, 0x12, 0x34, 1, 2}, cookie...))
	f.Add(reply4)
	f.Add(append([]byte{129, 0, 0, 0, 0x12, 0x34, 1, 2}, cookie...))
	f.Add(append(ip4Header(len(reply4), 1), reply4...))
	f.Add([]byte{0x46, 0, 0, 24, 0, 0, 0, 0, 64, 1, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1, 7, 3, 4, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, decode := range []func([]byte) (echo, error){decodeEcho4, decodeEcho6, decodeRaw4} {
			e, err := decode(b)
			if err == nil && len(e.cookie) > len(b)-8 {
				t.Fatalf("%d bytes of payload in a message of %d", len(e.cookie), len(b))
			}
		}
	})
}

// FuzzParseQueued holds the reader of control messages to never panic. They
// come from the kernel, but carry what a router has sent.
func FuzzParseQueued(f *testing.F) {
	f.Add([]byte{})
	f.Add(append([]byte{48, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 0, 0, 0, 113, 0, 0, 0, 2, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 10, 77, 0, 2}, make([]byte, 8)...))
	f.Fuzz(func(_ *testing.T, oob []byte) {
		q := parseQueued(oob)
		q.unreachable()
		q.transmitted()
	})
}
