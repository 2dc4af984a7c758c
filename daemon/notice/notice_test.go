package notice

import (
	"net/netip"
	"testing"
	"time"
)

func TestSeverityOrderAndNames(t *testing.T) {
	if !(Off < Info && Info < Warning && Warning < Error && Error < Critical) {
		t.Error("severities are out of order")
	}
	for s := Off; s <= Critical; s++ {
		back, err := ParseSeverity(s.String())
		if err != nil || back != s {
			t.Errorf("%v reads back as %v, %v", s, back, err)
		}
	}
	if _, err := ParseSeverity("Critical"); err == nil {
		t.Error("a severity in capitals was accepted")
	}
	if got := Severity(9).String(); got != "severity(9)" {
		t.Errorf("a severity out of range prints as %q", got)
	}
}

func TestTypes(t *testing.T) {
	seen := map[string]bool{}
	for name, severity := range Types() {
		if seen[name] || severity == Off {
			t.Errorf("%s: twice, or without a severity", name)
		}
		seen[name] = true
	}
	if s, ok := DefaultSeverity(SubPrefix); !ok || s != Critical {
		t.Errorf("subprefix is %v, %v", s, ok)
	}
	if _, ok := DefaultSeverity("hijack"); ok {
		t.Error("an unknown type has a severity")
	}
}

func TestTime(t *testing.T) {
	zoned := time.Date(2026, 1, 2, 3, 4, 5, 6999, time.FixedZone("", -3600))
	if got, want := At(zoned).String(), "2026-01-02T04:04:05.000006Z"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if At(zoned) != At(zoned.UTC()) {
		t.Error("one moment in two zones is two times")
	}
	if !At(time.Time{}).IsZero() {
		t.Error("the zero time is not zero")
	}
}

func TestFingerprintTellsApart(t *testing.T) {
	p, q := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.0.2.0/25")
	identities := []Identity{
		{},
		{Type: SubPrefix, Prefix: p, Offending: q, Culprit: 1},
		{Type: OriginChange, Prefix: p, Offending: q, Culprit: 1},
		{Type: SubPrefix, Prefix: q, Offending: p, Culprit: 1},
		{Type: SubPrefix, Prefix: p, Offending: q, Culprit: 11},
		{Type: SubPrefix, Prefix: p, Offending: q},
		{Type: SubPrefix, Prefix: p},
		{Type: SubPrefix, Offending: p},
		{Type: SessionDown, Peer: "a"},
		{Type: SessionDown, POP: "a"},
		{Type: SessionDown, Peer: "a", POP: "b"},
		{Type: SessionDown, Peer: "a1:b"},
		{Type: Loss, POP: "a", Source: p.Addr()},
		{Type: Loss, POP: "a" + p.Addr().String()},
	}
	seen := map[string]Identity{}
	for _, id := range identities {
		print := id.Fingerprint()
		if len(print) != 32 {
			t.Errorf("%q is not 32 digits", print)
		}
		if other, ok := seen[print]; ok {
			t.Errorf("%+v and %+v have one fingerprint", id, other)
		}
		seen[print] = id
	}
}

// A fingerprint is kept in databases and in paging systems: it must not change from one version to the next.
func TestFingerprintIsFixed(t *testing.T) {
	id := Identity{
		Type: SubPrefix, Prefix: netip.MustParsePrefix("208.65.152.0/22"), Offending: netip.MustParsePrefix("208.65.153.0/24"),
		Culprit: 17557,
	}
	if got, want := id.Fingerprint(), "07e34f154429dbeba118fc05e6737c35"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
