package detect

import (
	"cmp"
	"encoding/json"
	"net/netip"
	"slices"
	"time"

	"peervane/bgp"
)

// Memory is what the exact scope of a registration must remember, since it cannot be seen in the state: which path was
// settled, which covering route stood, where the prefix was seen. The engine keeps one for each registration and
// persists it as JSON whenever Learn says that it changed.
type Memory struct {
	Traces []Trace `json:"traces,omitempty"` // by name of vantage
	Lack   *Lack   `json:"lack,omitempty"`   // nil: nothing is lacking
	ROAs   []ROA   `json:"roas,omitempty"`   // by which legitimate origins were valid

	Unrest *Unrest `json:"unrest,omitempty"` // nil: none
}

// Trace is what is remembered of the registered prefix at one vantage.
type Trace struct {
	Vantage  string    `json:"vantage"`
	Seen     bool      `json:"seen,omitempty"`     // a legitimate route of the prefix was held there
	Lost     time.Time `json:"lost,omitzero"`      // since when none is; zero while one is
	Settled  Path      `json:"settled,omitzero"`   // the path that path_change compares with
	Moved    *Moved    `json:"moved,omitempty"`    // where it moved to
	Baseline *Cover    `json:"covering,omitempty"` // what covering_change compares with
	Carrier  *Cover    `json:"carrier,omitempty"`  // another covering route that carries the traffic, while no exact one is held
	View     *View     `json:"view,omitempty"`     // of a collector's peer

	last held // the legitimate route that was held last: evidence only
}

// Moved is a path that the best route of a vantage moved to, and when.
type Moved struct {
	Path  Path      `json:"path"`
	Since time.Time `json:"since"`
}

// Cover is a covering route as it is compared: attributes and transit do not count. A Prefix that is not valid says that
// there was none.
type Cover struct {
	Prefix netip.Prefix `json:"prefix,omitzero"`
	Origin string       `json:"origin,omitempty"`
	Since  time.Time    `json:"since,omitzero"`
}

// Lack holds since when each way of being withdrawn holds.
type Lack struct {
	None   time.Time `json:"none,omitzero"`   // no primary holds the prefix
	Few    time.Time `json:"few,omitzero"`    // fewer than min_primary do
	Backup time.Time `json:"backup,omitzero"` // no backup does
}

// lacks is for reading.
func (m *Memory) lacks() Lack {
	if m.Lack == nil {
		return Lack{}
	}
	return *m.Lack
}

func (m *Memory) find(vantage string) (int, bool) {
	return slices.BinarySearchFunc(m.Traces, vantage, func(t Trace, name string) int { return cmp.Compare(t.Vantage, name) })
}

// traces gives what is remembered of each vantage of a state, nil where that is nothing.
func (m *Memory) traces(vantages []Vantage) []*Trace {
	out := make([]*Trace, len(vantages))
	for i := range vantages {
		if m == nil {
			break
		}
		if n, found := m.find(vantages[i].Name); found {
			out[i] = &m.Traces[n]
		}
	}
	return out
}

// begin gives the same, and makes a trace of each vantage that can be seen and has none.
func (m *Memory) begin(vantages []Vantage) []*Trace {
	out, fresh := m.traces(vantages), false
	for i := range vantages {
		if v := &vantages[i]; out[i] == nil && (v.Up || v.InSync) {
			at, _ := m.find(v.Name)
			m.Traces, fresh = slices.Insert(m.Traces, at, Trace{Vantage: v.Name}), true
		}
	}
	if fresh {
		return m.traces(vantages)
	}
	return out
}

// Forget drops what is remembered of a vantage that is gone for good.
func (m *Memory) Forget(vantage string) (changed bool) {
	i, found := m.find(vantage)
	if found {
		m.Traces = slices.Delete(m.Traces, i, i+1)
	}
	return m.Unrest.forget(vantage) || found
}

// Thin shares what is the same in very many memories, after one was read.
func (m *Memory) Thin() {
	for i := range m.Traces {
		if b := m.Traces[i].Baseline; b != nil && !b.Prefix.IsValid() {
			m.Traces[i].Baseline = uncovered
		}
	}
}

// NotAfter takes a time for now that lies behind it: an earlier run kept it before the clock was set back. What is measured from it, as how
// a penalty decays and when a path is settled, would stand still until the clock is there again.
func (m *Memory) NotAfter(now time.Time) {
	back := func(times ...*time.Time) {
		for _, t := range times {
			if t.After(now) {
				*t = now
			}
		}
	}
	for i := range m.Traces {
		t := &m.Traces[i]
		back(&t.Lost)
		if t.Moved != nil {
			back(&t.Moved.Since)
		}
		if t.Carrier != nil {
			back(&t.Carrier.Since)
		}
		if t.View != nil {
			back(&t.View.Since, &t.View.Gone)
		}
	}
	for i := range m.ROAs {
		back(&m.ROAs[i].Lost)
	}
	if l := m.Lack; l != nil {
		back(&l.None, &l.Few, &l.Backup)
	}
	if u := m.Unrest; u != nil {
		back(&u.Unseen)
		for i := range u.Flaps {
			back(&u.Flaps[i].At, &u.Flaps[i].First, &u.Flaps[i].Over)
		}
		for i := range u.Missing {
			back(&u.Missing[i].Since)
		}
	}
}

// Path is an AS path that can be stored.
type Path struct{ *bgp.Path }

// IsZero says that there is none.
func (p Path) IsZero() bool { return p.Path == nil }

// MarshalJSON stores the segments: [] for the empty path, null where there is none.
func (p Path) MarshalJSON() ([]byte, error) {
	if p.Path == nil {
		return []byte("null"), nil
	}
	return json.Marshal(append([]bgp.Segment{}, p.Segments...))
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *Path) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	segments := []bgp.Segment{}
	if err := json.Unmarshal(b, &segments); err != nil {
		return err
	}
	p.Path = bgp.NewPath(segments)
	return nil
}
