package detect

import (
	"cmp"
	"slices"
	"time"

	"peervane/bgp"
)

// judgement is one run of all detectors over one state.
type judgement struct {
	*State
	found []bgp.Finding
}

// claim says which type an offending route belongs to.
type claim struct {
	by    *detector
	also  []string
	quiet bool // so few vantages agree with it that no incident stands on the route
	offence
}

// prepare finds the best paths, and lets the route detectors speak about each route.
func (s *State) prepare() {
	if s.best != nil {
		return
	}
	s.best = firsts(len(s.Vantages), s.Routes)
	if s.traces == nil {
		s.traces = s.Memory.traces(s.Vantages)
	}
	for i := range s.Routes {
		s.Routes[i].RPKI = rpkiText(s.validate(&s.Routes[i]))
		if c := s.offence(&s.Routes[i]); c != nil {
			c.hints = append(c.hints, s.hints(c, &s.Routes[i])...)
			if s.claims == nil {
				s.claims = map[*Held]*claim{}
			}
			s.claims[&s.Routes[i]] = c
		}
	}
	s.poll()
}

// charge is what routes have in common that make one finding.
type charge struct {
	by      *detector
	culprit uint32
}

// poll counts the vantages that agree with each claim.
func (s *State) poll() {
	if s.Reg.Policy.MinVantages <= 1 {
		return
	}
	agree := map[charge]map[string]bool{}
	for h, c := range s.claims {
		k := charge{c.by, c.culprit}
		if agree[k] == nil {
			agree[k] = map[string]bool{}
		}
		agree[k][h.Vantage.Key()] = true
	}
	for _, c := range s.claims {
		c.quiet = len(agree[charge{c.by, c.culprit}]) < s.Reg.Policy.MinVantages
	}
}

// offence lets every route detector speak about one route. The first has it; what the others know of methods and leakers
// goes into its evidence.
func (s *State) offence(h *Held) *claim {
	var c *claim
	for i := range all {
		d := &all[i]
		if d.route == nil || s.Settings.Off[d.name] || !d.anywhere && !s.registered() {
			continue
		}
		o := d.route(s, h)
		if o == nil {
			continue
		}
		if c == nil {
			c = &claim{by: d, offence: *o}
			c.severity = cmp.Or(o.severity, d.severity)
			continue
		}
		c.also = append(c.also, d.name)
		if len(o.methods) > 0 {
			c.leaked(o)
		}
	}
	return c
}

// leaked adds to what is wrong with a route that it was leaked, too.
func (c *claim) leaked(o *offence) {
	c.methods = append(c.methods, o.methods...)
	c.hints = append(append(c.hints, "leaked by "+asn(o.culprit)), o.hints...)
	if c.leakType == 0 {
		c.leakType = o.leakType
	}
}

// wrong says whether a route is claimed as one that is not legitimate; nil is none.
func (s *State) wrong(h *Held) bool {
	c := s.claims[h]
	return c != nil && c.by.wrong
}

// told says whether an incident stands on a route because it is not legitimate; nil is none.
func (s *State) told(h *Held) bool { return s.wrong(h) && !s.claims[h].quiet && !s.waits(h) }

// began is since when a route does wrong: since it is held, or since it is judged otherwise than before.
func (s *State) began(h *Held) time.Time {
	if h.Since.Before(s.Changed) {
		return s.Changed
	}
	return h.Since
}

// waits says whether the incident on a route waits for its hold: as long as nobody is told of it, it explains nothing.
func (s *State) waits(h *Held) bool {
	c, since := s.claims[h], s.began(h)
	if s.Settings.Hold == 0 || s.Hijacks.stands(s.Prefix, c.culprit) {
		return false
	}
	for other, o := range s.claims {
		if o.by == c.by && o.culprit == c.culprit && s.began(other).Before(since) {
			since = s.began(other)
		}
	}
	due := since.Add(s.Settings.Hold)
	s.again(due)
	return s.Now.Before(due)
}

// yields notes that a weaker condition holds for a route, where a stronger one has it already. One that too few vantages agree
// with is silent, and so silences none.
func (j *judgement) yields(h *Held, to string) bool {
	c := j.claims[h]
	if c == nil || c.quiet {
		return false
	}
	if !slices.Contains(c.also, to) {
		c.also = append(c.also, to)
	}
	return true
}

// offences makes one finding of all routes that one type claims with one culprit.
func (j *judgement) offences() {
	at := map[charge]int{}
	out, first := j.found, len(j.found)
	for i := range j.Routes {
		h := &j.Routes[i]
		c := j.claims[h]
		if c == nil {
			continue
		}
		k := charge{c.by, c.culprit}
		n, ok := at[k]
		if !ok {
			n = len(out)
			at[k] = n
			out = append(out, j.finding(c.by.name, c.severity))
			out[n].Culprit, out[n].Hold = c.culprit, j.Settings.Hold
			out[n].Routes, out[n].Bad = make([]bgp.Seen, 0, len(j.claims)), make([]string, 0, len(j.claims)) // mostly one finding has all
			if c.by.expected != nil {
				c.by.expected(j.State, &out[n].Expected)
			}
		}
		since := j.began(h)
		if c.sudden {
			since = time.Time{}
		}
		show(&out[n], h, since)
		if c.by.wrong {
			j.before(&out[n], h)
		}
		out[n].Severity = graver(out[n].Severity, c.severity)
		out[n].Methods = union(out[n].Methods, c.methods)
		out[n].Also = union(out[n].Also, c.also)
		out[n].Hints = union(out[n].Hints, c.hints)
		out[n].LeakType = max(out[n].LeakType, c.leakType)
	}
	for i := first; i < len(out); i++ {
		j.agree(&out[i], anyVantage)
		out[i].Summary = all[rank(out[i].Type)].summary(j.State, &out[i])
	}
	j.found = out
}

// finding begins a finding about the scope's own prefix.
func (s *State) finding(name, severity string) bgp.Finding {
	f := bgp.Finding{
		Type: name, Severity: severity,
		Prefix: s.Reg.Prefix, Offending: s.Prefix,
		Expected: bgp.Expected{Origins: s.Reg.Policy.Origins},
	}
	if !s.exact() {
		f.Expected.MaxLength = s.maxLength()
	}
	if c := s.Reg.Connection; c != nil {
		f.Connection = c.Name
	}
	return f
}

// show adds a route to what a finding rests on.
func show(f *bgp.Finding, h *Held, since time.Time) {
	f.Routes = append(f.Routes, h.Seen)
	f.Bad = union(f.Bad, []string{h.Vantage.Name})
	if f.Since.IsZero() || since.Before(f.Since) {
		f.Since = since
	}
}

// before adds the settled path of the vantage that shows an offending route, once.
func (j *judgement) before(f *bgp.Finding, h *Held) {
	t := j.traces[h.V]
	if t == nil || t.Settled.Path == nil || t.Settled.Path == h.Attrs.Path {
		return
	}
	if n := len(f.Previous); n == 0 || f.Previous[n-1].Vantage != h.Vantage {
		f.Previous = append(f.Previous, bgp.Seen{Vantage: h.Vantage, Prefix: j.Prefix, Attrs: &bgp.Attrs{Path: t.Settled.Path}})
	}
}

// agree counts the vantages that show a finding and, of the others, those that could. It holds the finding back while
// those that show it are fewer than min_vantages.
func (s *State) agree(f *bgp.Finding, could func(*bgp.Vantage) bool) {
	keys := map[string]bool{}
	f.Total = len(f.Bad)
	for _, v := range s.Vantages {
		if _, bad := slices.BinarySearch(f.Bad, v.Name); bad {
			keys[v.Key()] = true
		} else if (v.InSync || v.Watching) && could(v.Vantage) {
			f.Total++
		}
	}
	f.Quiet = len(keys) < s.Reg.Policy.MinVantages
}

// graver gives the graver of two severities.
func graver(a, b string) string {
	order := [...]string{info, warning, failure, critical}
	return order[max(slices.Index(order[:], a), slices.Index(order[:], b))]
}

func anyVantage(*bgp.Vantage) bool { return true }

// again asks for a judgement at t, where that is still to come.
func (s *State) again(t time.Time) {
	if t.After(s.Now) {
		s.recheck = sooner(s.recheck, t)
	}
}

// sooner gives the earlier of two times, where zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// union adds what is new, and keeps a sorted.
func union(a, b []string) []string {
	for _, s := range b {
		if i, found := slices.BinarySearch(a, s); !found {
			a = slices.Insert(a, i, s)
		}
	}
	return a
}
