package daemon

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"peervane/bgp/rpki"
)

// roaModel knows of roa_lost what its page says: a legitimate route was valid, and no longer is, because VRPs went.
type roaModel struct {
	held      bool   // the route is there
	state     string // what the VRPs say of it
	was, lost bool
}

// see looks at the route as it stands after a step.
func (m *roaModel) see() {
	switch {
	case !m.held || m.state == "unknown":
	case m.state == "valid":
		m.was, m.lost = true, false
	case m.was:
		m.lost = true
	}
}

// fires says whether the incident stands: an invalid route has one of its own, which takes precedence.
func (m *roaModel) fires() bool { return m.held && m.lost && m.state != "invalid" }

// After random announcements, withdrawals, session losses, new VRPs and restarts roa_lost stands when the model says so.
func TestROALostEqualsTheModel(t *testing.T) {
	const prefix = "203.0.113.0/24"
	rapid.Check(t, func(r *rapid.T) {
		sets := map[string]*rpki.Set{
			"valid": vrps(64496, start, prefix), "invalid": vrps(64510, start, prefix), "not-found": vrps(64496, start, "198.51.100.0/24"),
		}
		w, m := newWorld(t, twoPeers(registered(prefix, 64496))), &roaModel{state: "unknown"}
		for range rapid.IntRange(5, 40).Draw(r, "steps") {
			switch op := rapid.SampledFrom([]string{"announce", "withdraw", "valid", "invalid", "not-found", "bounce", "restart"}).Draw(r, "op"); op {
			case "announce":
				m.held = true
				w.announce("edge1", prefix, 64500, 64496)
			case "withdraw":
				m.held = false
				w.withdraw("edge1", prefix)
			case "bounce":
				w.down("edge1")
				w.up("edge1")
				m.held = false
				w.endOfRIB("edge1")
			case "restart":
				w = w.restart()
				for _, peer := range []string{"edge1", "edge2"} {
					w.up(peer)
				}
				if m.state != "unknown" {
					w.engine.validated(sets[m.state])
				}
				if m.held {
					w.announce("edge1", prefix, 64500, 64496)
				}
				for _, peer := range []string{"edge1", "edge2"} {
					w.endOfRIB(peer)
				}
			default:
				m.state = op
				w.engine.validated(sets[op])
			}
			w.tell()
			m.see()
			var open []string
			for _, rec := range w.engine.book.Records() {
				if rec.Cleared.IsZero() { // one that flaps stays open a while longer
					open = append(open, rec.Notice.Type)
				}
			}
			if slices.Contains(open, "roa_lost") != m.fires() {
				r.Fatalf("open: %v; the model: %+v", open, *m)
			}
		}
	})
}
