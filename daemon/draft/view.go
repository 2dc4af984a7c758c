package draft

import (
	"net/netip"
	"slices"
	"time"

	"peervane/bgp"
)

// View is what vantages show now. It is a sink of recordings. The zero value is empty; it is not safe for concurrent use.
type View struct {
	First, Last time.Time // of the inputs

	shown    map[netip.Prefix][]shown
	vantages map[*bgp.Vantage]*witness
	keys     map[string]int // by bgp.Vantage.Key, in order of first sight
}

// shown is one path that a vantage held. It counts as long as the vantage's session lasts that it came in.
type shown struct {
	by      *witness
	session uint32
	pathID  uint32
	path    *bgp.Path
}

// witness is a vantage of a view.
type witness struct {
	*bgp.Vantage
	key     int
	session [bgp.NumFamilies]uint32 // how many sessions it lost
}

// Put takes in what a source tells. Its error is always nil.
func (v *View) Put(in bgp.Input) error {
	if v.First.IsZero() {
		v.First = in.When()
	}
	v.Last = in.When()
	w := v.witness(in.Of())
	switch in := in.(type) {
	case bgp.Change:
		v.change(w, in)
	case bgp.SessionUp:
		w.lose(bgp.Families[:]...)
	case bgp.SessionDown:
		w.lose(bgp.Families[:]...)
	case bgp.StaleLost:
		w.lose(in.Family)
	case bgp.Gone:
		w.lose(bgp.Families[:]...)
	case bgp.Standing:
		for _, h := range in.Held {
			v.change(w, bgp.Change{Prefix: h.Prefix, PathID: h.PathID, Attrs: h.Attrs})
		}
	}
	return nil
}

func (v *View) witness(of *bgp.Vantage) *witness {
	if w := v.vantages[of]; w != nil {
		return w
	}
	if v.vantages == nil {
		v.vantages, v.keys, v.shown = map[*bgp.Vantage]*witness{}, map[string]int{}, map[netip.Prefix][]shown{}
	}
	name := of.Key()
	key, known := v.keys[name]
	if !known {
		key = len(v.keys)
		v.keys[name] = key
	}
	w := &witness{Vantage: of, key: key}
	v.vantages[of] = w
	return w
}

// lose forgets what a vantage showed.
func (w *witness) lose(families ...bgp.Family) {
	for _, f := range families {
		w.session[f]++
	}
}

func (v *View) change(w *witness, c bgp.Change) {
	f := bgp.FamilyOf(c.Prefix)
	held := slices.DeleteFunc(v.shown[c.Prefix], func(s shown) bool {
		return s.by == w && (s.pathID == c.PathID || s.session != w.session[f])
	})
	if c.Attrs != nil {
		held = append(held, shown{w, w.session[f], c.PathID, c.Attrs.Path})
	}
	if len(held) == 0 {
		delete(v.shown, c.Prefix)
		return
	}
	v.shown[c.Prefix] = held
}

// now gives the paths of a prefix that are held still.
func (v *View) now(p netip.Prefix) []shown {
	f := bgp.FamilyOf(p)
	v.shown[p] = slices.DeleteFunc(v.shown[p], func(s shown) bool { return s.session != s.by.session[f] })
	return v.shown[p]
}

// Prefixes lists, sorted, all that are held at some vantage.
func (v *View) Prefixes() []netip.Prefix {
	var out []netip.Prefix
	for p := range v.shown {
		if len(v.now(p)) > 0 {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return out
}

// Vantages is the number of them, as min_vantages counts: collectors' peers once for each ASN.
func (v *View) Vantages() int { return len(v.keys) }
