package daemon

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/rpki"
	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/join"
	"peervane/daemon/notice"
	"peervane/daemon/notify"
	"peervane/probe"
	"peervane/probe/stats"
)

// TestDetectionStories plays each story of docs/detection.md: what the page says is told is told.
func TestDetectionStories(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "detection.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "<!-- story: ")
	if !found {
		t.Fatal("the page tells no story")
	}
	for found {
		var name string
		name, rest, _ = strings.Cut(rest, " -->")
		told := rest
		t.Run(name, func(t *testing.T) {
			s := newStory(t, block(t, told, "toml"))
			for line := range strings.Lines(block(t, told, "routes")) {
				s.play(strings.Fields(line))
			}
			want := block(t, told, "text")
			if got := s.told.String(); got != want {
				t.Errorf("told\n%sthe page says\n%s", got, want)
			}
			if !strings.Contains(want, name) {
				t.Errorf("no %s in the story", name)
			}
		})
		_, rest, found = strings.Cut(rest, "<!-- story: ")
	}
}

// The page has a section for each type, which says how grave it is, when it fires and resolves, and has an example: of a
// recording, or the page lists the type as one that is only played.
func TestDetectionPageIsWhole(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "detection.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, played, _ := strings.Cut(string(page), "**Only played**")
	played, _, _ = strings.Cut(played, "\n\n")
	sections := map[string]string{}
	for _, section := range strings.Split(string(page), "\n## ")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		for _, name := range strings.Split(title, ", ") {
			sections[strings.Trim(name, "`")] = text
		}
	}
	for name, severity := range notice.Types() {
		if name == notice.Heartbeat {
			continue // no condition
		}
		text := sections[name]
		if grave, _, _ := strings.Cut(strings.TrimSpace(text), "\n"); !strings.Contains(grave, severity.String()) {
			t.Errorf("%s: does not begin with %s: %s", name, severity, grave)
		}
		recorded := strings.Contains(text, "<!-- example: "+name+" ")
		if onlyPlayed := strings.Contains(played, "`"+name+"`"); recorded == onlyPlayed {
			t.Errorf("%s: shown by a recording: %v; listed as only played: %v", name, recorded, onlyPlayed)
		}
		for _, want := range []string{"**Fires**", "**Resolves**", "<!-- ", "```text\n"} {
			if !strings.Contains(text, want) && !(name == notice.RouteLeak && strings.HasSuffix(want, "s**")) {
				t.Errorf("%s: no %s", name, want)
			}
		}
	}
}

// block is the first block of a language.
func block(t *testing.T, page, language string) string {
	t.Helper()
	_, rest, _ := strings.Cut(page, "```"+language+"\n")
	text, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatalf("no block of %s", language)
	}
	return text
}

// story is an engine that is driven by the lines of a page.
type story struct {
	*world
	day  time.Time
	told strings.Builder
	held map[string]bool // vantage and prefix: what is announced anew is a change of its path
}

// before is what all stories have in common.
const before = `
[daemon]
asn = 64512
router_id = "192.0.2.10"
[[peer]]
name = "edge1"
address = "192.0.2.1"
asn = 64500
relationship = "provider"
[[peer]]
name = "edge2"
address = "192.0.2.2"
asn = 64501
relationship = "provider"
`

// newStory starts at ten o'clock with every session up, and its table, which is empty, shown.
func newStory(t *testing.T, text string) *story {
	cfg, problems := config.Load(fstest.MapFS{"a.toml": {Data: []byte(before + text)}}, "a.toml")
	if config.Refused(problems) {
		t.Fatal(problems)
	}
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	s := &story{day: day, held: map[string]bool{}, world: &world{t: t, now: day.Add(10 * time.Hour), peers: map[string]*bgp.Vantage{}}}
	s.engine = newEngine(cfg, incident.Options{Source: "story", OurASN: cfg.Daemon.ASN, NewID: derivedID}, false, zap.NewNop())
	for _, p := range cfg.Peers {
		relationship, err := bgp.ParseRelationship(p.Relationship)
		if err != nil {
			t.Fatal(err)
		}
		v := &bgp.Vantage{Name: p.Name, Addr: p.Address, ASN: p.ASN, LocalASN: p.LocalASN, Relationship: relationship}
		s.peers[p.Name] = v
		s.engine.expect(v, p, s.now)
		s.session(p.Name, "up")
		s.session(p.Name, "end-of-rib")
	}
	return s
}

// play does what a line says: time, vantage, and what happens there; or "end", which lets the time go by.
func (s *story) play(words []string) {
	s.until(s.clock(words[0]))
	if words[1] == "end" {
		return
	}
	for _, name := range s.expand(words[1]) {
		s.happen(name, words[2:])
	}
	s.tellAll()
}

// clock reads the time of a line; hours go on after midnight.
func (s *story) clock(text string) time.Time {
	parts := strings.Split(text, ":")
	var d time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			s.t.Fatal(err)
		}
		d += time.Duration(n) * unit
	}
	return s.day.Add(d)
}

// expand gives the vantages that ris/0..9 stands for, made known when they are met.
func (s *story) expand(text string) []string {
	root, last, many := strings.Cut(text, "0..")
	if !many {
		s.meet(text, 64700)
		return []string{text}
	}
	n, err := strconv.Atoi(last)
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for i := range n + 1 {
		name := root + strconv.Itoa(i)
		s.meet(name, uint32(64700+i))
		names = append(names, name)
	}
	return names
}

func (s *story) meet(name string, asn uint32) {
	if s.peers[name] != nil || !strings.HasPrefix(name, "ris/") {
		return
	}
	s.peers[name] = &bgp.Vantage{Name: name, Collector: "ris", ASN: asn}
	s.engine.input(bgp.SessionUp{Vantage: s.peers[name], At: s.now, Families: bgp.Families[:], Recorded: true})
}

func (s *story) happen(name string, words []string) {
	v := s.peers[name]
	switch {
	case name == "rpki":
		s.validate(words)
	case words[0] == "fails:", words[0] == "delivers":
		s.deliver(name, words)
	case words[0] == "hears":
		heard := s.now
		s.engine.uplink.heard = func() (time.Time, time.Duration) { return heard, 30 * time.Second }
	case v == nil:
		s.measure(name, words)
	case strings.Contains(words[0], "/"):
		s.route(v, netip.MustParsePrefix(words[0]), words[1:])
	case words[0] == "sends":
		n, _ := strconv.Atoi(words[1])
		s.engine.input(bgp.LimitExceeded{Vantage: v, At: s.now, Exceeded: n > 1000, Prefixes: n, Limit: 1000})
	case words[0] == "table":
		d := bgp.TableDropped{Vantage: v, Family: bgp.IPv4, At: s.now, Dropped: words[1] == "fell"}
		if d.Dropped {
			d.Before, _ = strconv.Atoi(words[3])
			d.Routes, _ = strconv.Atoi(words[5])
		}
		s.engine.input(d)
	default:
		s.session(name, strings.Join(words, " "))
	}
}

func (s *story) session(name, what string) {
	v := s.peers[name]
	switch what {
	case "up":
		s.engine.input(bgp.SessionUp{Vantage: v, At: s.now, Families: bgp.Families[:], EndOfRIBDue: true})
	case "end-of-rib":
		for _, f := range bgp.Families {
			s.engine.input(bgp.EndOfRIB{Vantage: v, Family: f, At: s.now})
		}
	default:
		s.engine.input(bgp.SessionDown{Vantage: v, At: s.now, Reason: strings.TrimPrefix(what, "down: ")})
	}
}

// route is an announcement, with N in its path for the vantage's own ASN and perhaps a community behind; "withdrawn"; or
// "flaps" and how often.
func (s *story) route(v *bgp.Vantage, p netip.Prefix, words []string) {
	key := v.Name + " " + p.String()
	c := bgp.Change{Vantage: v, Prefix: p, At: s.now, First: s.now}
	switch words[0] {
	case "withdrawn":
		c.Withdrawn = 1
		s.held[key] = false
	case "flaps":
		n, _ := strconv.Atoi(words[1])
		c.Attrs, c.Announced, c.Withdrawn = bgpAttrs(s.t, v, words[2:]), uint32(n), uint32(n)
	default:
		c.Attrs, c.Announced = bgpAttrs(s.t, v, words), 1
		if s.held[key] {
			c.PathChanges = 1
		}
		s.held[key] = true
	}
	s.engine.input(c)
}

func bgpAttrs(t testing.TB, v *bgp.Vantage, words []string) *bgp.Attrs {
	a := &bgp.Attrs{}
	if i := slices.Index(words, "community"); i >= 0 {
		high, low, _ := strings.Cut(words[i+1], ":")
		h, _ := strconv.Atoi(high)
		l, _ := strconv.Atoi(low)
		a.Communities = []bgp.Community{bgp.Community(h<<16 | l)}
		words = words[:i]
	}
	text := strings.ReplaceAll(strings.Join(words, " "), "N", strconv.Itoa(int(v.ASN)))
	path, err := bgp.ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	a.Path = path
	return a
}

// measure is what probes say of a POP: "answers", in so many ms and perhaps "5 of 10" of them, or "is silent"; "from" a source.
// "until" a time there is a batch every 10 s. Or that it "is traced by" hops, each with the ms that its answer took.
func (s *story) measure(pop string, words []string) {
	if len(words) > 1 && words[1] == "traced" {
		s.trace(pop, words[3:])
		return
	}
	target := probe.Target{POP: pop, Service: "edge", Addr: s.engine.cfg.POPs[0].Address, Method: "icmp"}
	for _, c := range s.engine.cfg.POPs {
		if c.Name == pop {
			target.Addr = c.Address
		}
	}
	sample, until := stats.Sample{Sent: 5, Lost: 5}, s.now
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "answers":
			sample.Received, sample.Lost = 5, 0
		case "in":
			f, _ := strconv.ParseFloat(words[i+1], 64)
			for range 5 {
				sample.RTTs = append(sample.RTTs, time.Duration(f*float64(time.Millisecond)))
			}
		case "of":
			sample.Received, _ = strconv.Atoi(words[i-1])
			sample.Sent, _ = strconv.Atoi(words[i+1])
			sample.Lost = sample.Sent - sample.Received
		case "from":
			target.Source = netip.MustParseAddr(words[i+1])
		case "until":
			until = s.clock(words[i+1])
		}
	}
	for at := s.now; !at.After(until); at = at.Add(10 * time.Second) {
		if at.After(s.now) {
			s.until(at)
		}
		sample.Started, sample.Ended = at, at
		s.engine.batch(probe.Batch{Target: target, Sample: sample})
		s.tellAll()
	}
}

// validate has a cache confirm VRPs: PREFIX-MAXLENGTH ASN, as often as there are some.
func (s *story) validate(words []string) {
	var list []rpki.VRP
	for pair := range slices.Chunk(words, 2) {
		prefix, longest, _ := strings.Cut(pair[0], "-")
		n, _ := strconv.Atoi(longest)
		asn, _ := strconv.Atoi(strings.TrimPrefix(pair[1], "AS"))
		list = append(list, rpki.VRP{Prefix: netip.MustParsePrefix(prefix), MaxLength: uint8(n), ASN: uint32(asn)})
	}
	set := rpki.NewSet(list, nil)
	set.VRPs = rpki.Provenance{Source: "tcp://rtr.example.net:3323", Fetched: s.now, Offered: true}
	s.engine.validated(set)
}

// deliver is how a channel does: it "delivers", or "fails:" for a reason.
func (s *story) deliver(channel string, words []string) {
	h := notify.Health{}
	if words[0] == "fails:" {
		h = notify.Health{Since: s.now, Error: strings.Join(words[1:], " ")}
	}
	s.engine.channelsAre([]channelState{{channel, h, true, 0}})
}

func (s *story) trace(pop string, words []string) {
	t := tracedPath{method: "icmp", at: s.now, reached: true}
	for _, c := range s.engine.cfg.POPs {
		if c.Name == pop {
			t.addr = c.Address
		}
	}
	for i := 0; i < len(words); i += 2 {
		ms, _ := strconv.Atoi(words[i+1])
		t.hops = append(t.hops, join.Hop{TTL: i/2 + 1, Addr: netip.MustParseAddr(words[i]), RTT: time.Duration(ms) * time.Millisecond})
	}
	s.engine.traced(t, s.now)
	s.tellAll()
}

// until lets time go by, waking the engine whenever it asked for that.
func (s *story) until(end time.Time) {
	for at, ok := s.engine.next(); ok && !at.After(end); at, ok = s.engine.next() {
		s.now = at
		s.tellAll()
	}
	s.now = end
	s.tellAll()
}

func (s *story) tellAll() {
	for s.engine.judge(s.now, 100) {
	}
	for _, n := range s.engine.take().notices {
		reason := ""
		if n.Reason != "" {
			reason = " (" + n.Reason + ")"
		}
		since := n.UpdatedAt.Sub(s.day)
		fmt.Fprintf(&s.told, "%02d:%02d:%02d  %-8s  %-8s  %-17s  %s%s\n", int(since.Hours()), int(since.Minutes())%60, int(since.Seconds())%60,
			n.Status, strings.ToLower(n.Severity.String()), n.Type, n.Summary, reason)
		if n.Status == notice.Firing {
			for _, h := range n.Evidence.Hints {
				fmt.Fprintf(&s.told, "          hint: %s\n", h)
			}
		}
	}
}
