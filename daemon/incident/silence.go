package incident

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"peervane/daemon/notice"
)

// Silence holds back what is told of the incidents that all of its matchers match, until a time. The ends of those that
// were told before are told all the same. The zero value of Matchers matches everything.
type Silence struct {
	ID       string    `json:"id"`
	Matchers []Matcher `json:"matchers"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
	By       string    `json:"by"`
	Why      string    `json:"why"`
}

// Matcher matches an incident of which something has one of some values. It is written KEY=VALUE,VALUE.
type Matcher struct {
	key    string
	values []string
	within []netip.Prefix // of the values of a prefix
}

const labelKey = "label."

// matcherKeys are what of an incident may be matched, beside label.NAME.
var matcherKeys = [...]struct {
	name string
	of   func(*Record) []string
}{
	{"incident", func(r *Record) []string { return []string{r.ID(), r.Group} }},
	{"type", func(r *Record) []string { return []string{r.Notice.Type} }},
	{"severity", func(r *Record) []string { return []string{r.Notice.Severity.String()} }},
	{"prefix", nil},
	{"connection", func(r *Record) []string { return append([]string{r.Notice.Connection}, r.Connections...) }},
	{"peer", func(r *Record) []string { return []string{r.Notice.Peer} }},
	{"pop", func(r *Record) []string { return []string{r.Notice.POP} }},
	{"culprit", func(r *Record) []string { return []string{strconv.FormatUint(uint64(r.Notice.CulpritASN), 10)} }},
}

// MatcherKeys lists what may be matched, as a person reads it.
func MatcherKeys() string {
	var names []string
	for _, k := range matcherKeys {
		names = append(names, k.name)
	}
	return strings.Join(names, ", ") + " or label.NAME"
}

const (
	maxMatcher  = 4096 // bytes
	maxMatchers = 32
	maxReason   = 1024
)

// ParseMatcher reads KEY=VALUE,VALUE. A prefix matches what is equal to or inside it; a culprit may be written AS64510.
func ParseMatcher(text string) (Matcher, error) {
	key, list, ok := strings.Cut(text, "=")
	if !ok || list == "" || len(text) > maxMatcher {
		return Matcher{}, fmt.Errorf("matcher %.80q: write KEY=VALUE, such as type=withdrawn or prefix=203.0.113.0/24", text)
	}
	m := Matcher{key: key, values: strings.Split(list, ",")}
	known := slices.ContainsFunc(matcherKeys[:], func(k struct {
		name string
		of   func(*Record) []string
	}) bool {
		return k.name == key
	})
	if label, isLabel := strings.CutPrefix(key, labelKey); !known && (!isLabel || label == "") {
		return Matcher{}, fmt.Errorf("matcher %.80q: there is no key %.40q: use %s", text, key, MatcherKeys())
	}
	for i, value := range m.values {
		if err := m.read(i, value); err != nil {
			return Matcher{}, fmt.Errorf("matcher %.80q: %w", text, err)
		}
	}
	return m, nil
}

// read checks one value, and brings it into the form in which it is compared.
func (m *Matcher) read(i int, value string) error {
	switch m.key {
	case "type":
		if _, known := notice.DefaultSeverity(value); !known {
			return fmt.Errorf("there is no type %.40q: docs/detection.md has the list", value)
		}
	case "severity":
		if s, err := notice.ParseSeverity(value); err != nil || s == notice.Off {
			return fmt.Errorf("there is no severity %.40q: use info, warning, error or critical", value)
		}
	case "culprit":
		n, err := strconv.ParseUint(strings.TrimPrefix(value, "AS"), 10, 32)
		if err != nil {
			return fmt.Errorf("%.40q is no ASN: write one such as 64510", value)
		}
		m.values[i] = strconv.FormatUint(n, 10)
	case "prefix":
		p, err := parsePrefix(value)
		if err != nil {
			return fmt.Errorf("%.60q is no prefix: write one such as 203.0.113.0/24", value)
		}
		m.values[i], m.within = p.String(), append(m.within, p)
	default:
		if value == "" {
			return fmt.Errorf("a value is empty: leave out the comma")
		}
	}
	return nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return a.WithZone("").Prefix(a.BitLen())
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
}

func (m Matcher) String() string { return m.key + "=" + strings.Join(m.values, ",") }

// MarshalText gives what ParseMatcher reads.
func (m Matcher) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads a matcher.
func (m *Matcher) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMatcher(string(text))
	return err
}

func (m *Matcher) matches(rec *Record) bool {
	if m.key == "prefix" {
		return slices.ContainsFunc(m.within, func(p netip.Prefix) bool {
			return inside(rec.Notice.Prefix, p) || inside(rec.Notice.Offending, p)
		})
	}
	if label, ok := strings.CutPrefix(m.key, labelKey); ok {
		value, has := rec.Notice.Labels[label]
		return has && slices.Contains(m.values, value)
	}
	for _, k := range matcherKeys {
		if k.name == m.key && k.of != nil {
			return slices.ContainsFunc(k.of(rec), func(v string) bool { return v != "" && slices.Contains(m.values, v) })
		}
	}
	return false
}

func inside(p, outer netip.Prefix) bool {
	return p.IsValid() && p.Bits() >= outer.Bits() && outer.Contains(p.Addr())
}

func (s *Silence) matches(rec *Record) bool {
	for i := range s.Matchers {
		if !s.Matchers[i].matches(rec) {
			return false
		}
	}
	return true
}

// Check says what is wrong with a silence.
func (s *Silence) Check(now time.Time) error {
	switch {
	case !s.Until.After(now):
		return fmt.Errorf("the silence ends at %s, which is over: give a later time", s.Until.UTC().Format(time.RFC3339))
	case s.By == "" || len(s.By) > maxReason:
		return fmt.Errorf("say by whom it is")
	case s.Why == "" || len(s.Why) > maxReason:
		return fmt.Errorf("say why, in up to %d bytes", maxReason)
	case len(s.Matchers) > maxMatchers:
		return fmt.Errorf("a silence has up to %d matchers", maxMatchers)
	}
	for i := range s.Matchers {
		for j := range i {
			if x, y := &s.Matchers[j], &s.Matchers[i]; x.excludes(y) {
				return fmt.Errorf("no incident has %s and %s: write %s,%s for any of them", x, y, x, strings.Join(y.values, ","))
			}
		}
	}
	return nil
}

// single are the keys of which an incident has one value.
var single = []string{"type", "severity", "peer", "pop", "culprit"}

// excludes says whether nothing can match both of two matchers.
func (m *Matcher) excludes(other *Matcher) bool {
	switch {
	case m.key != other.key:
		return false
	case m.key == "prefix":
		return !slices.ContainsFunc(m.within, func(p netip.Prefix) bool { return slices.ContainsFunc(other.within, p.Overlaps) })
	case slices.Contains(single, m.key), strings.HasPrefix(m.key, labelKey):
		return !slices.ContainsFunc(m.values, func(v string) bool { return slices.Contains(other.values, v) })
	}
	return false
}

// Silenceable says why a silence would hold back nothing: each incident has an id of its own, and what it names is not open.
func (b *Book) Silenceable(s *Silence) error {
	for i := range s.Matchers {
		m := &s.Matchers[i]
		if m.key != "incident" || slices.ContainsFunc(m.values, func(id string) bool { return b.byID[id] != nil }) {
			continue
		}
		for _, id := range m.values {
			if rec := b.Teller(id); rec != nil {
				return fmt.Errorf("incident %s goes on as %s: silence that one", id, rec.ID())
			}
		}
		return fmt.Errorf("%s: %w", m, ErrUnknown)
	}
	return nil
}

// Silence begins a silence.
func (b *Book) Silence(s Silence, now time.Time) []notice.Notice {
	b.silences = append(b.silences, s)
	slices.SortFunc(b.silences, func(x, y Silence) int {
		return cmp.Or(x.Since.Compare(y.Since), cmp.Compare(x.ID, y.ID))
	})
	return b.sweep(now)
}

// Unsilence ends a silence before its time; false when there is none with that id.
func (b *Book) Unsilence(id string, now time.Time) ([]notice.Notice, bool) {
	i := slices.IndexFunc(b.silences, func(s Silence) bool { return s.ID == id })
	if i < 0 {
		return nil, false
	}
	b.silences = slices.Delete(slices.Clone(b.silences), i, i+1)
	return b.sweep(now), true
}

// Silenced counts the silences that hold.
func (b *Book) Silenced() int { return len(b.silences) }

// Silences lists those that hold, the oldest first, and how many open incidents each matches.
func (b *Book) Silences() ([]Silence, []int) {
	counts := make([]int, len(b.silences))
	for _, rec := range b.byID {
		for i := range b.silences {
			if !rec.grouped() && b.silences[i].matches(rec) {
				counts[i]++
			}
		}
	}
	return slices.Clone(b.silences), counts
}

// expire takes out the silences whose time is over.
func (b *Book) expire(now time.Time) bool {
	before := len(b.silences)
	over := func(s Silence) bool { return !s.Until.After(now) }
	if slices.ContainsFunc(b.silences, over) {
		b.silences = slices.DeleteFunc(slices.Clone(b.silences), over)
	}
	return len(b.silences) < before
}
