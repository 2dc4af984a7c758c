package notice

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"
)

// Body is the notice as JSON on one line, keys in the order of the documentation, "<", ">" and "&" as they are.
// The same notice always gives the same bytes.
func (n Notice) Body() ([]byte, error) {
	d := drafts.Get().(*draft)
	defer drafts.Put(d)
	d.text.Reset()
	d.notice = n.whole()
	d.notice.Version = Version
	err := d.encoder.Encode(&d.notice)
	d.notice = Notice{} // nothing is kept that it shares
	if err != nil {
		return nil, fmt.Errorf("encode the notice of incident %s: %w", n.Incident, err)
	}
	return bytes.Clone(bytes.TrimSuffix(d.text.Bytes(), []byte("\n"))), nil
}

// draft is what a body is made in, which else would be made anew for each.
type draft struct {
	notice  Notice
	text    bytes.Buffer
	encoder *json.Encoder // into text
}

var drafts = sync.Pool{New: func() any {
	d := new(draft)
	d.encoder = json.NewEncoder(&d.text)
	d.encoder.SetEscapeHTML(false)
	return d
}}

// Parse reads what Body wrote.
func Parse(body []byte) (Notice, error) {
	var n Notice
	if err := json.Unmarshal(body, &n); err != nil {
		return n, fmt.Errorf("not a %s body: %w", Version, err)
	}
	if n.Version != Version {
		return n, fmt.Errorf("not a %s body: its version is %q", Version, n.Version)
	}
	return n, nil
}

// whole gives the notice without nil lists and maps, which JSON would tell as null. It changes no memory that n shares.
func (n Notice) whole() Notice {
	if n.Labels == nil {
		n.Labels = map[string]string{}
	}
	e := &n.Evidence
	e.Methods, e.Also, e.Hints = list(e.Methods), list(e.Also), list(e.Hints)
	e.Routes, e.Previous = wholeRoutes(e.Routes), wholeRoutes(e.Previous)
	if e.Group != nil {
		g := *e.Group
		g.Examples = list(g.Examples)
		e.Group = &g
	}
	x := &e.Expected
	x.Origins, x.CoveringOrigins, x.Upstreams = list(x.Origins), list(x.CoveringOrigins), list(x.Upstreams)
	x.Communities, x.Silent = list(x.Communities), list(x.Silent)
	if e.Latency != nil {
		l := *e.Latency
		l.BeforeMS, l.AfterMS, l.ShiftMS, l.Loss = figure(l.BeforeMS), figure(l.AfterMS), figure(l.ShiftMS), figure(l.Loss)
		l.OutageMS, l.ConvergenceMS = figure(l.OutageMS), figure(l.ConvergenceMS)
		e.Latency = &l
	}
	if e.Trace != nil {
		t := *e.Trace
		t.Hops, t.Before = wholeHops(t.Hops), wholeHops(t.Before)
		e.Trace = &t
	}
	return n
}

func wholeRoutes(routes []Route) []Route {
	if routes != nil && !slices.ContainsFunc(routes, func(r Route) bool { return r.Communities == nil }) {
		return routes
	}
	routes = list(slices.Clone(routes))
	for i := range routes {
		routes[i].Communities = list(routes[i].Communities)
	}
	return routes
}

func wholeHops(hops []TraceHop) []TraceHop {
	hops = list(slices.Clone(hops))
	for i := range hops {
		hops[i].RTTMS = figure(hops[i].RTTMS)
	}
	return hops
}

func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// figure rounds to three decimals, microseconds where the unit is a millisecond, and drops what JSON cannot tell.
func figure(f *float64) *float64 {
	if f == nil || math.IsNaN(*f) || math.IsInf(*f, 0) {
		return nil
	}
	rounded := math.Round(*f*1000) / 1000
	if math.IsInf(rounded, 0) {
		return f
	}
	return &rounded
}
