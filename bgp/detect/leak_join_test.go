package detect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"peervane/bgp"
	"peervane/bgp/detect"
)

// Several methods, one finding: the leaker is the one on whom they agree.
func TestMethodsJoin(t *testing.T) {
	everything := func(l *lab) {
		l.relate("3356|64500|-1 1299|64501|-1 64501|64500|0")
		l.attest("64500:64999")
		l.settings.Peerlock = map[uint32][]uint32{3356: nil}
		l.reg.Policy.NoExport = true
	}
	checkLeaks(t, []leakCase{
		{"all but tier1", everything, bgp.Customer, "64500 3356 64496", onlyToCustomer(3356),
			"AS64500 type 1 by no_export otc peerlock relationships role"},
		{"with tier1: of two that can be it, the other methods take one", func(l *lab) { l.relate("64502|1299|-1 64502|64501|-1 3356|64501|-1") },
			bgp.Collector, "3356 64501 64502 1299 64496", nil, "AS64501 type 1 by relationships tier1"},
		{"where they do not agree, what is known best counts", func(l *lab) {
			l.relate("64510|64501|-1 64520|64501|-1")
			l.reg.Policy.NoExport = true
		}, bgp.Collector, "64510 64501 64520 64530 64496", nil, "AS64501 type 1 by no_export relationships"},
	})
}

// "A route that leaks and has a wrong origin fires one origin_change or subprefix, with evidence.methods and the leaker;
// when its origin becomes legitimate, that resolves and route_leak fires."
func TestLeakWithAWrongOrigin(t *testing.T) {
	for prefix, typ := range map[string]string{exact: "origin_change", half: "subprefix"} {
		l := newLab(t)
		l.reg.Policy.MaxLength = 25
		l.reg.Policy.Upstreams = []uint32{3356}
		l.relate(hill)
		s := l.collector("rrc00", 64510)
		l.announce(s, prefix, "64510 64501 64520 65550")
		found := l.judge()
		want := typ + " critical " + prefix + " AS65550 ris/rrc00/1 also route_leak"
		if got := strings.Join(show(found), "; "); !strings.HasPrefix(got, want) || strings.Contains(got, "; route_leak") {
			t.Errorf("got %q, want %q", got, want)
		}
		if f := found[0]; !slices.Equal(f.Methods, []string{"relationships"}) || f.LeakType != 1 || !slices.Contains(f.Hints, "leaked by AS64501") {
			t.Errorf("the leak is not in the evidence: methods %q, type %d, hints %q", f.Methods, f.LeakType, f.Hints)
		}

		l.announce(s, prefix, "64510 64501 64520 64496")
		want = "route_leak critical " + prefix + " AS64501 ris/rrc00/1 also forged_origin"
		if got := strings.Join(show(l.judge()), "; "); got != want {
			t.Errorf("the origin is legitimate now:\n got %q\nwant %q", got, want)
		}

		l.settings.Off["route_leak"] = true
		want = "forged_origin error " + prefix + " AS64520 ris/rrc00/1"
		if got := strings.Join(show(l.judge()), "; "); got != want {
			t.Errorf("a type set to off takes no precedence:\n got %q\nwant %q", got, want)
		}
	}
}

func TestLeakEvidence(t *testing.T) {
	l := newLab(t)
	l.settings.Tier1 = detect.Tier1(nil)
	l.relate(hill + " 64501|64599|-1")
	l.announce(l.collector("rrc00", 64510), exact, "64510 64501 64501 64520 64496")
	l.announce(l.collector("rrc01", 64530), exact, "64530 64501 64520 64496")
	l.announce(l.collector("rrc03", 64531), exact, "64531 64520 64496")
	found := l.judge()
	if len(found) != 1 {
		t.Fatalf("got %q", show(found))
	}
	f := found[0]
	want := "203.0.113.0/24 leaked by AS64501: AS64510 (provider) -> AS64501 -> AS64520 (provider); 2 of 3 vantages see it (ris/rrc00: 64510 64501 64501 64520 64496)"
	if f.Summary != want {
		t.Errorf("summary\n got %q\nwant %q", f.Summary, want)
	}
	hints := []string{
		"relationships: AS64501 has it from its provider AS64520 and gave it to its peer AS64530",
		"relationships: AS64501 has it from its provider AS64520 and gave it to its provider AS64510",
	}
	if !slices.Equal(f.Hints, hints) {
		t.Errorf("hints %q", f.Hints)
	}
}

func TestLeakSummaries(t *testing.T) {
	for _, c := range []struct {
		session bgp.Relationship
		path    string
		setup   func(*lab)
		want    string
	}{
		{bgp.Customer, "64500 3356 64496", nil, "leaked by AS64500: AS64512 (us) (provider) -> AS64500 -> AS3356; "},
		{bgp.Collector, "3356 64501 1299 64496", nil, "leaked by AS64501: AS3356 -> AS64501 -> AS1299; "},
		{bgp.Collector, "64500 {64501,64502} 64496", func(l *lab) { l.reg.Policy.NoExport = true }, "leaked by AS64500: the collector -> AS64500 -> an unknown AS; "},
		{bgp.Collector, "{64501,64502} 64503 64504", func(l *lab) { l.reg.Policy.NoExport = true }, "leaked by AS64503: an unknown AS -> AS64503 -> AS64504; "},
		{bgp.Collector, "{64501,64502} 23456 64504", func(l *lab) { l.reg.Policy.NoExport = true }, "leaked by AS64500: the collector -> an unknown AS -> an unknown AS; "},
	} {
		l := newLab(t)
		l.settings.Tier1 = detect.Tier1(nil)
		l.reg.Policy.AnyOrigin = true
		if c.setup != nil {
			c.setup(l)
		}
		l.session(c.session, c.path)
		found := l.judge()
		if len(found) != 1 || !strings.Contains(found[0].Summary, c.want) {
			t.Errorf("got %v, want %q", found, c.want)
		}
	}
}

// A leak is no new normal: what moves away from it has not moved, and what moves to it is settled never.
func TestLeaksAreNoNormalPaths(t *testing.T) {
	l := newLab(t)
	l.reg.Policy.AllowPrivateASN = true
	l.relate(hill)
	s := l.peer("e1", 64510, bgp.Provider)
	l.announce(s, exact, "64510 64501 64520 64496")
	l.wait(48 * hour)
	l.announce(s, exact, "64510 64520 64496")
	if got := show(l.judge()); len(got) > 0 {
		t.Errorf("the leak is over: %q", got)
	}
}

// A path is judged once for all prefixes, and again when anything changes that a verdict rests on.
func TestVerdictsAreKept(t *testing.T) {
	l := newLab(t)
	l.relate(hill)
	l.announce(l.collector("rrc00", 64510), exact, "64510 64501 64520 64496")
	var kept detect.Verdicts
	judge := func() []string {
		st := l.state(registered)
		st.Verdicts = &kept
		found, _ := detect.All(st)
		return leaks(found)
	}
	want := []string{"AS64501 type 1 by relationships"}
	for range 2 {
		if got := judge(); !slices.Equal(got, want) {
			t.Fatalf("got %q", got)
		}
	}
	again := testing.AllocsPerRun(100, func() { judge() })
	if anew := testing.AllocsPerRun(100, func() { kept = detect.Verdicts{}; judge() }); again > anew-10 {
		t.Errorf("%v allocations for a path that was judged before, %v for a new one", again, anew)
	}
	l.reg.Policy.NoExport = true
	if got := judge(); !slices.Equal(got, []string{"AS64501 type 1 by no_export relationships"}) {
		t.Errorf("no_export is judged for each registration: %q", got)
	}
	l.reg.Policy.NoExport = false
	l.attest("64520:64599 64510:64599")
	if got := judge(); !slices.Equal(got, []string{"AS64501 type 1 by aspa relationships"}) {
		t.Errorf("new RPKI data: %q", got)
	}
	settings := l.settings
	settings.RPKI, settings.Relationships = nil, nil
	l.settings.RPKI = nil
	st := l.state(registered)
	st.Settings, st.Verdicts = &settings, &kept
	if found, _ := detect.All(st); len(leaks(found)) > 0 {
		t.Errorf("new settings without data: %q", leaks(found))
	}
	if got := judge(); !slices.Equal(got, want) {
		t.Errorf("the old settings again: %q", got)
	}
}

// A path of thousands of ASes, as a hostile neighbour may send it, is judged in time, and told in a sentence.
func TestLeaksInEndlessPaths(t *testing.T) {
	words := []string{"64500"}
	for i := range 15_000 {
		words = append(words, fmt.Sprint(100_000+i))
	}
	words = append(words, "3356", "64501", "1299")
	l := newLab(t)
	l.settings.Tier1 = detect.Tier1(nil)
	l.reg.Policy.AnyOrigin, l.reg.Policy.NoExport = true, true
	l.settings.Peerlock = map[uint32][]uint32{1299: nil}
	l.session(bgp.Customer, strings.Join(words, " "), onlyToCustomer(1299))
	found := l.judge()
	if got := leaks(found); !slices.Equal(got, []string{"AS64501 type 1 by no_export otc peerlock role tier1"}) {
		t.Errorf("got %q", got)
	}
	for _, hint := range found[0].Hints {
		if len(hint) > 200 {
			t.Errorf("%d characters: %.80s", len(hint), hint)
		}
	}
}
