package detect

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// hijackModel is a plain map of what Hijacks should hold.
type hijackModel map[netip.Prefix]Hijack

func (m hijackModel) hijacked(p netip.Prefix, culprits []uint32, now time.Time) {
	maps.DeleteFunc(m, func(_ netip.Prefix, h Hijack) bool { return !h.Ended.IsZero() && !now.Before(h.Ended.Add(counterTime)) })
	h, known := m[p]
	switch {
	case len(culprits) > 0:
		h.Prefix, h.Ended, h.Culprits = p, time.Time{}, slices.Clone(h.Culprits)
		for _, asn := range culprits {
			if !slices.Contains(h.Culprits, asn) {
				h.Culprits = append(h.Culprits, asn)
			}
		}
	case !known:
		return
	case h.Ended.IsZero():
		h.Ended = now
	}
	m[p] = h
}

// over lists those that cover a prefix, the shortest first.
func (m hijackModel) over(p netip.Prefix, now time.Time) (out []Hijack) {
	for q, h := range m {
		if q.Bits() <= p.Bits() && q.Contains(p.Addr()) && (h.Ended.IsZero() || now.Before(h.Ended.Add(counterTime))) {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b Hijack) int { return a.Prefix.Bits() - b.Prefix.Bits() })
	return out
}

var hijackable = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/9"), netip.MustParsePrefix("10.0.0.0/16"),
	netip.MustParsePrefix("10.128.0.0/9"), netip.MustParsePrefix("2001:db8::/32"),
}

// TestHijacksAgainstTheirModel: none, one or several, in whatever order they come, end, come again and are forgotten.
func TestHijacksAgainstTheirModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, model := Memory{}, hijackModel{}
		now := time.Unix(1_700_000_000, 0).UTC()
		few := hijackable[:rapid.IntRange(1, len(hijackable)).Draw(t, "prefixes")]
		for range rapid.IntRange(1, 60).Draw(t, "changes") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "minutes")) * time.Minute)
			p := rapid.SampledFrom(few).Draw(t, "prefix")
			culprits := rapid.SliceOfNDistinct(rapid.Uint32Range(1, 3), 0, 2, rapid.ID).Draw(t, "culprits")
			model.hijacked(p, culprits, now)
			m.Hijacked(p, culprits, now)
			clear(culprits) // they are the caller's
			compareHijacks(t, m.Hijacks(), model, now)
		}
		text, err := json.Marshal(m)
		again := Memory{}
		if err == nil {
			err = json.Unmarshal(text, &again)
		}
		if err != nil {
			t.Fatal(err)
		}
		compareHijacks(t, again.Hijacks(), model, now)
		m.Hijacked(few[0], []uint32{7}, now.Add(counterTime))
		again.Hijacked(few[0], []uint32{7}, now.Add(counterTime))
		late, _ := json.Marshal(m)
		if stored, _ := json.Marshal(again); string(stored) != string(late) {
			t.Fatalf("an hour later %s is kept of what was stored, not %s", stored, late)
		}
	})
}

func compareHijacks(t *rapid.T, h *Hijacks, model hijackModel, now time.Time) {
	t.Helper()
	if h.len() != len(model) {
		t.Fatalf("%d are kept, not %d: %v", h.len(), len(model), model)
	}
	for _, p := range hijackable {
		want, known := model[p]
		if h.Knows(p) != known {
			t.Fatalf("%s is known: %t", p, !known)
		}
		for asn := uint32(1); asn <= 3; asn++ {
			if stands := known && want.Ended.IsZero() && slices.Contains(want.Culprits, asn); h.stands(p, asn) != stands {
				t.Fatalf("%s by %d stands: %t", p, asn, !stands)
			}
		}
		over, wanted := h.over(p, now), model.over(p, now)
		if !slices.EqualFunc(over, wanted, func(a *Hijack, b Hijack) bool {
			return a.Prefix == b.Prefix && a.Ended.Equal(b.Ended) && slices.Equal(a.Culprits, b.Culprits)
		}) {
			t.Fatalf("over %s: %d, not %v", p, len(over), wanted)
		}
	}
}
