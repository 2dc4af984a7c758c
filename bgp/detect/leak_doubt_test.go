package detect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"peervane/bgp"
	"peervane/bgp/detect"
)

// inferred makes relationships known as part of a file of the whole Internet: with the links given, each AS of customers has
// so many of them, and thousands more know nothing of all these.
func (l *lab) inferred(text string, customers map[uint32]int) {
	var links []string
	next := uint32(100_000)
	for as, n := range customers {
		for range n {
			links = append(links, fmt.Sprintf("%d|%d|-1", as, next))
			next++
		}
	}
	for range 10_000 {
		links = append(links, fmt.Sprintf("%d|%d|0", next, next+1))
		next += 2
	}
	l.relate(text + " " + strings.Join(links, " "))
}

// TestInferredRelationshipsAreDoubted shows each doubt by the kind of real path that it keeps from being called a leak.
func TestInferredRelationshipsAreDoubted(t *testing.T) {
	const links = "64510|64501|-1 3356|64501|-1 64501|6939|0"
	sizes := func() map[uint32]int {
		return map[uint32]int{64510: 500, 3356: 5000, 6939: 3000, 64520: 700, 64501: 20}
	}
	leaked := func(typ int) string { return fmt.Sprintf("AS64501 type %d by relationships", typ) }
	for _, c := range []struct {
		sentence string
		links    string
		resize   func(map[uint32]int)
		path     string
		want     string
	}{
		{"a small network between a tier-1 and another provider", "", nil, "64510 64501 3356 64496", leaked(1)},
		{"and a peer", "", nil, "6939 64501 3356 64496", leaked(3)},
		{"a provider's routes of its own providers", "64520|64501|-1 3356|64520|-1", nil, "64510 64501 64520 3356 64496", leaked(1)},
		{"or of a tier-1, whoever that is to it", "64520|64501|-1", nil, "64510 64501 64520 3356 64496", leaked(1)},
		{"a regional network: its provider may be its customer", "64520|64501|-1 64520|64496|-1", nil, "64510 64501 64520 64496", ""},
		{"and so may a peer that buys from it through others", "64501|64521|-1 64521|6939|-1", nil, "6939 64501 3356 64496", ""},
		{"a network as large as its peer is its provider", "", func(n map[uint32]int) { n[64501] = 2999 }, "6939 64501 3356 64496", ""},
		{"a tenth of it may be", "", func(n map[uint32]int) { n[64501] = 301 }, "6939 64501 3356 64496", ""},
		{"less is a leaker", "", func(n map[uint32]int) { n[64501] = 298 }, "6939 64501 3356 64496", leaked(3)},
		{"a network without providers sells to its peers", "64510|64502|0 3356|64502|0", nil, "64510 64502 3356 64496", ""},
		{"and so does a tier-1, whatever the file says", "64510|6453|-1 3356|6453|-1", nil, "64510 6453 3356 64496", ""},
	} {
		l := newLab(t)
		l.settings.Tier1 = detect.Tier1([]uint32{3356, 6453})
		n := sizes()
		if c.resize != nil {
			c.resize(n)
		}
		l.inferred(links+" "+c.links, n)
		l.announce(l.collector("rrc00", 64500), exact, c.path)
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		got := leaks(slices.DeleteFunc(l.judge(), func(f bgp.Finding) bool { return !slices.Contains(f.Methods, "relationships") }))
		if !slices.Equal(got, want) {
			t.Errorf("%s (%s)\n got %q\nwant %q", c.sentence, c.path, got, want)
		}
	}
}

// What our own sessions are is configured, and beyond doubt: only the other edge is inferred.
func TestOwnSessionsAreBeyondDoubt(t *testing.T) {
	l := newLab(t)
	l.settings.Tier1 = detect.Tier1([]uint32{64520})
	l.inferred("64520|64500|-1", map[uint32]int{64520: 500})
	l.session(bgp.Peer, "64500 64520 64496")
	if got := leaks(l.judge()); !slices.Equal(got, []string{"AS64500 type 3 by relationships role"}) {
		t.Errorf("got %q", got)
	}
}

func BenchmarkVerdict(b *testing.B) {
	for _, c := range []struct {
		name string
		kept *detect.Verdicts
	}{{"new", nil}, {"known", &detect.Verdicts{}}} {
		b.Run(c.name, func(b *testing.B) {
			l := newLab(b)
			l.settings.Tier1 = detect.Tier1(nil)
			l.inferred("3356|64501|-1 64510|64501|-1", map[uint32]int{3356: 5000, 64510: 500})
			l.announce(l.collector("rrc00", 64510), exact, "64510 64501 3356 64496")
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				st := l.state(registered)
				st.Verdicts = c.kept
				b.StartTimer()
				detect.All(st)
			}
		})
	}
}
