package detect_test

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"peervane/bgp"
	"peervane/bgp/detect"
	"peervane/bgp/rpki"
)

func lines(o *oracle, findings []bgp.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, o.line(f.Type, f.Severity, f.Offending.String(), f.Culprit, f.Bad, f.Since, f.Also))
		if want := !absences[f.Type] && f.Prefix.IsValid() && len(f.Bad) < o.lab.reg.Policy.MinVantages; f.Quiet != want {
			out = append(out, "quiet is wrong: "+f.Type)
		}
	}
	slices.Sort(out)
	return out
}

// After random announcements, withdrawals, losses and waits, the findings are those of an oracle that walks through the
// whole history; and when the detectors ask for a recheck, nothing changes before it.
func TestFindingsEqualTheOracles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLab(t)
		l.reg.Policy.CoveringOrigins = []uint32{64499}
		l.reg.Policy.MinVantages = rapid.IntRange(0, 2).Draw(t, "min_vantages")
		l.reg.Policy.Expect = rapid.SampledFrom([]string{detect.Announced, detect.Announced, detect.Optional, detect.Absent}).Draw(t, "expect")
		l.reg.Connection = &detect.Connection{Primary: []string{"e1", "e2"}, Backup: []string{"e3"}}
		l.reg.Connection.MinPrimary = rapid.IntRange(1, 2).Draw(t, "min_primary")
		l.reg.Policy.Upstreams = rapid.SampledFrom([][]uint32{nil, nil, {64500}}).Draw(t, "upstreams")
		l.reg.Policy.AllowPrivateASN = rapid.Bool().Draw(t, "allow_private_asn")
		l.reg.Policy.MaxPathLength = rapid.SampledFrom([]int{0, 0, 2}).Draw(t, "max_path_length")
		if rapid.IntRange(0, 3).Draw(t, "paths") == 0 {
			l.reg.Policy.Paths = []detect.PathRule{{Match: regexp.MustCompile(`\b64501\b`)}}
		}
		l.reg.Policy.NoExport = rapid.IntRange(0, 3).Draw(t, "no_export") == 0
		if rapid.IntRange(0, 2).Draw(t, "rpki") == 0 {
			l.settings.RPKI = rpki.NewSet([]rpki.VRP{{Prefix: registered, MaxLength: 24, ASN: 64496}}, nil)
		}
		l.reg.Policy.Required = rapid.SampledFrom([][]uint32{nil, {64501}}).Draw(t, "required_upstreams")
		if rapid.IntRange(0, 2).Draw(t, "asn") == 0 {
			l.settings.ASNs = map[uint32]detect.WatchedAS{64496: {Upstreams: []uint32{64500}, Unlisted: true}}
		}
		l.settings.Off["origin_change"] = rapid.IntRange(0, 3).Draw(t, "off") == 0
		for _, name := range []string{"e1", "e2", "e3"} {
			l.peer(name, 64500, bgp.Provider)
		}
		o := &oracle{lab: l}
		l.learned = o.note
		l.learn()
		for range rapid.IntRange(20, 40).Draw(t, "steps") {
			step(t, l)
			got, want := lines(o, l.judge()), o.judge()
			if !slices.Equal(got, want) {
				t.Fatalf("at %s\n got %s\nwant %s", l.now, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
			}
			checkRecheck(t, *l, o, got)
		}
	})
}

// checkRecheck looks, in a copy of the lab, at the last moment before the detectors want to judge again.
func checkRecheck(t *rapid.T, l lab, o *oracle, want []string) {
	var recheck time.Time
	for _, p := range l.scopes() {
		if _, again := detect.All(l.state(p)); recheck.IsZero() || !again.IsZero() && again.Before(recheck) {
			recheck = again
		}
	}
	if recheck.IsZero() {
		recheck = l.now.Add(1000 * time.Hour)
	}
	if !recheck.After(l.now) {
		t.Fatalf("at %s: recheck %s is not to come", l.now, recheck)
	}
	l.learned = nil
	l.restart() // makes a memory of its own
	l.now = recheck.Add(-time.Nanosecond)
	l.learn()
	if got := lines(o, l.judge()); !slices.Equal(got, want) {
		t.Fatalf("before %s\n got %s\nwant %s", recheck, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

var pathTexts = func() []string {
	var out []string
	for text := range kinds {
		out = append(out, text)
	}
	slices.Sort(out)
	return out
}()

func step(t *rapid.T, l *lab) {
	s := rapid.SampledFrom(l.sites).Draw(t, "site")
	prefix := rapid.SampledFrom([]string{exact, exact, exact, half, "203.0.112.0/23", "203.0.112.0/22"}).Draw(t, "prefix")
	id := uint32(rapid.IntRange(0, 1).Draw(t, "id"))
	op := rapid.SampledFrom([]string{
		"announce", "announce", "announce", "announce", "announce", "withdraw", "withdraw", "withdraw",
		"wait", "wait", "wait", "flap", "lose", "keep", "sync", "sync", "restart",
	}).Draw(t, "op")
	switch {
	case op == "announce" && !s.stale:
		if !s.Up {
			l.rise(s)
		}
		var communities []bgp.Community
		if rapid.IntRange(0, 5).Draw(t, "hole") == 0 {
			communities = []bgp.Community{bgp.Blackhole}
		}
		l.announce(s, prefix, rapid.SampledFrom(pathTexts).Draw(t, "path"), pathID(id), community(communities...))
	case op == "withdraw" && !s.stale:
		if paths := s.routes[netip.MustParsePrefix(prefix)]; len(paths) > 0 {
			l.withdraw(s, prefix, id)
		}
	case op == "flap" && s.Up && !s.stale:
		for range 7 {
			l.announce(s, exact, "64500 64496", pathID(id))
			l.withdraw(s, exact, id)
		}
	case op == "lose":
		l.lose(s)
	case op == "keep" && s.InSync:
		l.keep(s)
	case op == "sync":
		l.sync(s)
	case op == "restart":
		l.restart()
	default:
		l.wait(rapid.SampledFrom([]time.Duration{time.Second, 30 * time.Second, 10 * time.Minute, time.Hour, 24 * time.Hour}).Draw(t, "wait"))
	}
}
