package detect_test

import (
	"slices"
	"strings"
	"testing"

	"peervane/bgp"
	"peervane/bgp/detect"
)

const lower = "203.0.113.0/25" // the other half

func TestHints(t *testing.T) {
	for _, c := range []struct {
		rule    string
		history func(*lab)
		want    []string // of the first finding
	}{
		{"a mistyped ASN (one digit off)", func(l *lab) { l.reg.Policy.Origins = []uint32{265791}; provider(l, "64500 265790") },
			[]string{"AS265790 is one digit off AS265791: mistyped?"}},
		{"a mistyped ASN (two digits swapped)", func(l *lab) { l.reg.Policy.Origins = []uint32{265791}; provider(l, "64500 256791") },
			[]string{"AS256791 has two digits swapped of AS265791: mistyped?"}},
		{"a mistyped ASN (a digit is missing)", func(l *lab) { l.reg.Policy.Origins = []uint32{265791}; provider(l, "64500 26579") },
			[]string{"AS26579 lacks a digit of AS265791: mistyped?"}},
		{"a mistyped ASN (a digit too many)", func(l *lab) { l.reg.Policy.Origins = []uint32{265791}; provider(l, "64500 2265791") },
			[]string{"AS2265791 has a digit more than AS265791: mistyped?"}},
		{"no mistyped ASN: two digits off", func(l *lab) { l.reg.Policy.Origins = []uint32{265791}; provider(l, "64500 265780") }, nil},
		{"no mistyped ASN: short ones are all alike", func(l *lab) { l.reg.Policy.Origins = []uint32{174}; provider(l, "64500 175") }, nil},
		{"a mistyped prepend count (a tiny ASN in place of a repeat)", func(l *lab) { provider(l, "64500 64496 5") },
			[]string{"AS5 stands behind AS64496: a count of prepends, typed where the ASN belongs?"}},
		{"a mistyped prepend count, in the midst", func(l *lab) { l.reg.Policy.Upstreams = []uint32{64500}; provider(l, "64500 64496 3 64496") },
			[]string{"AS3 stands in the midst of AS64496: a count of prepends, typed where the ASN belongs?"}},
		{"a sibling: behind the legitimate origin", func(l *lab) { l.announce(provider(l, direct), half, "64500 64496 65550") },
			[]string{"AS65550 announces it through the legitimate AS64496: a customer or sibling of it that is not registered?"}},
		{"a sibling: legitimate elsewhere", func(l *lab) { l.settings.Ours = map[uint32]bool{65550: true}; provider(l, "64500 65550") },
			[]string{"AS65550 is a legitimate origin of other registered prefixes"}},
		{"a private origin", func(l *lab) { provider(l, "64500 65050") }, []string{"the origin AS65050 is private: AS64500 let it out"}},
		{"a mistyped upstream", func(l *lab) { l.reg.Policy.Upstreams = []uint32{64500, 64501}; provider(l, "64500 64511 64496") },
			[]string{"AS64511 is one digit off AS64501: mistyped?"}},
		{"the victim's own more-specific", func(l *lab) {
			e1 := provider(l, direct)
			l.announce(e1, half, direct)
		}, []string{"it takes the same path as 203.0.113.0/24: the doing of AS64496 itself"}},
		{"a route optimiser's pattern", func(l *lab) {
			e1 := provider(l, direct)
			l.announce(e1, half, "64500 65550 64496")
			l.announce(e1, lower, "64500 65550 64496")
		}, []string{"both halves of 203.0.113.0/24 come with one AS path, which is not that of 203.0.113.0/24: a route optimiser's pattern"}},
		{"no route optimiser's pattern: the two halves differ", func(l *lab) {
			e1 := provider(l, direct)
			l.announce(e1, half, "64500 65550 64496")
			l.announce(e1, lower, "64500 65551 64496")
		}, nil},
		{"no route optimiser's pattern: at two vantages", func(l *lab) {
			l.announce(provider(l, direct), half, "64500 65550 64496")
			l.announce(l.peer("e2", 64500, bgp.Provider), lower, "64500 65550 64496")
		}, nil},
		{"An AS_SET is kept and flagged", func(l *lab) { provider(l, "64500 {64496,65550}") }, []string{"the path holds an AS_SET, which RFC 9774 forbids"}},
	} {
		l := newLab(t)
		c.history(l)
		findings := l.judge()
		if len(findings) == 0 {
			if c.want != nil {
				t.Errorf("%s: nothing found", c.rule)
			}
			continue
		}
		if got := findings[0].Hints; !slices.Equal(got, c.want) {
			t.Errorf("%s\n got %q\nwant %q", c.rule, got, c.want)
		}
	}
}

func TestReOrigination(t *testing.T) {
	for _, c := range []struct {
		rule    string
		history func(*lab)
		want    int
	}{
		{"5 re-origination: the culprit passes the legitimate route on", func(l *lab) {
			l.announce(provider(l, "64500 64510 64496"), exact, "64500 64510", pathID(1))
		}, 5},
		{"5 re-origination: it did before", func(l *lab) { l.announce(provider(l, "64500 64510 64496"), exact, "64500 64510") }, 5},
		{"a stranger re-originates nothing", func(l *lab) { l.announce(provider(l, "64500 64510 64496"), exact, "64500 64511") }, 0},
	} {
		l := newLab(t)
		c.history(l)
		f := l.judge()[0]
		said := slices.ContainsFunc(f.Hints, func(h string) bool { return strings.Contains(h, "RFC 7908 type 5") })
		if culprit := map[int]uint32{5: 64510, 0: 64511}[c.want]; f.Culprit != culprit {
			t.Errorf("%s: AS%d is to blame, not AS%d", c.rule, culprit, f.Culprit)
		}
		if f.Type != "origin_change" || f.LeakType != c.want || said != (c.want == 5) {
			t.Errorf("%s: %s, leak type %d, %q", c.rule, f.Type, f.LeakType, f.Hints)
		}
	}
}

// A hint is evidence: it changes nothing about what fires.
func TestHintsAreOnlyHints(t *testing.T) {
	l := newLab(t)
	l.reg.Policy.Origins = []uint32{265791}
	l.reg.Policy.Expect = detect.Absent
	provider(l, "64500 265790")
	if f := l.judge()[0]; len(f.Hints) != 0 || f.Severity != "critical" {
		t.Errorf("%+v", f)
	}
}
