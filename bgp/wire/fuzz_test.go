package wire

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"peervane/bgp"
)

// Bits of the byte that says what a fuzzed session agreed upon.
const (
	modeAS4 = 1 << iota
	modeIBGP
	modeAddPath4
	modeAddPath6
	modeWithout6
)

func paramsFor(mode byte) Params {
	return Params{
		AS4: mode&modeAS4 != 0, IBGP: mode&modeIBGP != 0, PeerASN: 65001, LocalASN: 65000,
		Families: [bgp.NumFamilies]bool{true, mode&modeWithout6 == 0},
		AddPath:  [bgp.NumFamilies]bool{mode&modeAddPath4 != 0, mode&modeAddPath6 != 0},
	}
}

// seedUpdates are bodies that reach into every corner.
func seedUpdates() [][]byte {
	return [][]byte{
		body(nil, nil, nil), body(other, sound, route), body(nil, soundMP, nil), body(nil, soundMPU, nil),
		body(other, join(soundMPU, soundMP, nextHop), route),
		body(nil, join(reach(bgp.IPv4, hop6, route), origin, path4(65001)), nil),
		body(nil, join(sound2, as4(70000, 70001), attr(attrAggregator, 0x5b, 0xa0, 1, 1, 1, 1), attr(attrAS4Aggregator, 0, 1, 0, 0, 1, 1, 1, 1)), route),
		body(nil, join(origin, attr(attrASPath, join(segment(bgp.ConfedSequence, 4, 9), segment(bgp.ASSet, 4, 1, 2))...), nextHop,
			attr(attrMED, 0, 0, 0, 1), attr(attrLocalPref, 0, 0, 0, 1), attr(attrAtomicAggregate), attr(attrAggregator, 0, 0, 0, 1, 1, 1, 1, 1),
			attr(attrCommunities, 1, 2, 3, 4), attr(attrOriginatorID, 1, 1, 1, 1), attr(attrClusterList, 1, 1, 1, 1),
			attr(attrExtCommunities, 0, 2, 0, 1, 0, 0, 0, 2), attr(attrLargeCommunities, make([]byte, 12)...), attr(attrOTC, 0, 0, 0, 1)), route),
		body(nil, join(sound, attr(40, 1, 0, 7, 0, 0, 0, 0, 0, 0, 1)), route),
		body(pathID(1, other), sound, pathID(2, route)),
		body(nil, []byte{0x80, 14, 3, 0, 1, 1}, nil), body(nil, join(sound, []byte{0x90, 8, 0}), route),
	}
}

func FuzzUpdate(f *testing.F) {
	for _, b := range seedUpdates() {
		for _, mode := range []byte{0, modeAS4, modeAS4 | modeIBGP, modeAS4 | modeAddPath4 | modeAddPath6} {
			f.Add(mode, b)
		}
	}
	var u Update
	f.Fuzz(func(t *testing.T, mode byte, b []byte) {
		p, before := paramsFor(mode), bytes.Clone(b)
		b = b[:len(b):len(b)]
		checkInvariants(t, &u, p.Scan(b, &u))
		checkKey(t, &u)
		if u.Verdict() == OK {
			checkRoundTrip(t, p, &u)
		}
		for _, family := range bgp.Families {
			v := p.ScanRIB(b, family, &u)
			if v == SessionReset {
				t.Fatal("a RIB dump has no session to reset")
			}
			checkInvariants(t, &u, v)
		}
		if !bytes.Equal(b, before) {
			t.Fatal("the message was changed")
		}
	})
}

// checkInvariants asks everything of u that can be asked.
func checkInvariants(t *testing.T, u *Update, v Verdict) {
	worst := OK
	for _, fault := range u.Faults() {
		worst = max(worst, fault.Verdict)
		if fault.Reason.String() == "" || fault.Offset > len(u.body) || fault.String() == "" {
			t.Fatalf("fault %+v", fault)
		}
	}
	if v != u.Verdict() || v != worst && len(u.Faults()) < maxFaults || (v == SessionReset) != (u.Err() != nil) {
		t.Fatalf("verdict %v, worst fault %v, error %v", v, worst, u.Err())
	}
	for _, seq := range []func(func(NLRI) bool){u.Withdrawn, u.Announced} {
		for n := range seq {
			if !n.Prefix.IsValid() || n.Prefix != n.Prefix.Masked() {
				t.Fatalf("prefix %v", n.Prefix)
			}
			if v == SessionReset {
				t.Fatal("routes after a session reset")
			}
		}
		for range seq {
			break
		}
	}
	var near []NLRI
	var all [bgp.NumFamilies]int
	for n := range u.Announced {
		all[bgp.FamilyOf(n.Prefix)]++
		if n.Prefix.Bits()%2 == 0 {
			near = append(near, n)
		}
	}
	if got, counted := u.AppendNear(nil, evenLengths{}); !slices.Equal(got, near) || counted != all {
		t.Fatalf("near: %v of %v; want %v of %v", got, counted, near, all)
	}
	if appended, yielded := u.AppendAnnounced(nil), slices.Collect(u.Announced); !slices.Equal(appended, yielded) {
		t.Fatalf("appended %v, yielded %v", appended, yielded)
	}
	for _, f := range bgp.Families {
		if a := u.Attrs(f); (a == nil) != (v > AttributeDiscard) || (u.Key(f) == nil) != (a == nil) {
			t.Fatalf("verdict %v, attributes %v", v, a)
		}
	}
	if f, ok := u.EndOfRIB(); ok && !u.params.Families[f] {
		t.Fatalf("End-of-RIB of %v", f)
	}
}

// checkRoundTrip encodes what was read and reads it again.
func checkRoundTrip(t *testing.T, p Params, u *Update) {
	p.Extended = true
	for _, f := range bgp.Families {
		var routes []NLRI
		for n := range u.Announced {
			if bgp.FamilyOf(n.Prefix) == f {
				routes = append(routes, n)
			}
		}
		a := u.Attrs(f)
		if len(routes) == 0 || len(u.body) > 16384 {
			continue
		}
		message := AppendUpdate(nil, p, a, routes, nil)
		var again Update
		if v := p.Scan(message[HeaderLen:], &again); v != OK {
			t.Fatalf("%v of our own message: %v", v, again.Faults())
		}
		if got := again.Attrs(f); !sameAttrs(got, a) {
			t.Fatalf("got  %+v (%s)\nwant %+v (%s)", got, got.Path, a, a.Path)
		}
		i := 0
		for n := range again.Announced {
			if i >= len(routes) || n != routes[i] {
				t.Fatalf("route %d is %v of %v", i, n, routes)
			}
			i++
		}
	}
}

// sameAttrs compares paths by their text: segments may be cut otherwise.
func sameAttrs(a, b *bgp.Attrs) bool {
	x, y := *a, *b
	x.Path, y.Path = nil, nil
	return reflect.DeepEqual(x, y) && a.Path.String() == b.Path.String()
}

func FuzzOpen(f *testing.F) {
	f.Add(open())
	f.Add(open(caps(1, 4, 0, 1, 0, 1, 2, 0, 6, 0, 70, 0, 65, 4, 0, 1, 0, 0, 9, 1, 3)...))
	f.Add(open(join(caps(64, 6, 0xc0, 120, 0, 1, 1, 0x80), caps(69, 8, 0, 1, 1, 1, 0, 2, 1, 3), caps(5, 6, 0, 1, 0, 1, 0, 2))...))
	f.Add(open(caps(73, 3, 1, 'a', 0)...))
	f.Add(openExt(255, 2, 0, 2, 2, 0))
	f.Add(openExt(0))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := ParseOpen(b[:len(b):len(b)])
		if (o == nil) != (err != nil) {
			t.Fatalf("OPEN %v and error %v", o, err)
		}
		if err != nil {
			if err.Code != CodeOpen || err.Reason == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		if len(b) > MaxLen-HeaderLen {
			return
		}
		o.Caps.HasMP = o.Caps.Families != [bgp.NumFamilies]bool{}
		again, err := ParseOpen(o.Append(nil)[HeaderLen:])
		if err != nil || !reflect.DeepEqual(again, o) {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, again, o)
		}
	})
}

func FuzzNotification(f *testing.F) {
	for _, b := range [][]byte{nil, {6}, {6, 2, 2, 'o', 'k'}, {6, 9, 6, 2, 2, 'o', 'k'}, {6, 1, 0, 1, 1, 0, 0, 0, 9}, {2, 1, 0, 4},
		{2, 7, 9, 1, 0, 69, 4, 0, 1, 1, 1}, {6, 4, 4, 0x1b, '[', 0xff, '\n'}, {3, 9, 0x80, 14, 3, 0, 1, 1}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n := ParseNotification(b)
		text := n.Text()
		if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			t.Fatalf("%q does not fit into a line", text)
		}
		n.UnsupportedCapabilities()
		if len(b) >= 2 && len(b) <= MaxLen-HeaderLen {
			again := AppendNotification(nil, &Error{Code: n.Code, Subcode: n.Subcode, Data: n.Data})
			if !bytes.Equal(again[HeaderLen:], b) {
				t.Fatalf("% x, want % x", again[HeaderLen:], b)
			}
		}
		ParseRouteRefresh(b)
		ParseHeader(b, MaxLen)
	})
}

// evenLengths is near to every second length of a prefix.
type evenLengths struct{}

func (evenLengths) Near(_ bgp.Family, octets []byte, bits int) bool {
	return bits%2 == 0 && len(octets) == (bits+7)/8
}
