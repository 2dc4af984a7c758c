package daemon

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"peervane/bgp"
	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
	"peervane/daemon/notify"
	"peervane/daemon/store"
)

// hall is an engine, what publishes for it, and a store that outlives both, under a random course of events. Beside them stands what
// every channel is to be told: the simplest account of it, which is in no store.
type hall struct {
	*rapid.T
	w     *world
	p     *publisher
	store *store.Store
	cfg   *config.Config

	told  map[string]map[string]bool // by incident: who was told, and whether they are owed the end
	wants map[string][]string        // by channel: what is to be in the outbox, in order
	names map[string]bool            // every channel that there ever was
	acked int
}

const hallSeats = 16 // registered prefixes: enough for a group

func seatOfHall(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(i), 0}), 24)
}

func newHall(t *rapid.T, tb testing.TB) *hall {
	var regs []config.Registration
	for i := range hallSeats {
		reg := registered(seatOfHall(i).String(), 64496)
		reg.Policy.Labels = map[string]string{"team": fmt.Sprint("t", i%3)}
		regs = append(regs, reg)
	}
	cfg := twoPeers(regs...)
	s, err := store.Open(store.Options{Path: ":memory:", Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	h := &hall{
		T: t, w: newWorld(tb, cfg), store: s, cfg: cfg, told: map[string]map[string]bool{}, wants: map[string][]string{}, names: map[string]bool{},
	}
	h.w.now = time.Now()
	h.p = h.publisher()
	h.reload()
	for i := range hallSeats {
		h.shows(i, "edge1", 64496)
		h.shows(i, "edge2", 64496)
	}
	return h
}

func (h *hall) publisher() *publisher {
	return &publisher{
		store: h.store, channels: notify.New(notify.Options{Journal: h.store, Log: zap.NewNop()}), followers: &followers{}, log: zap.NewNop(),
		hooks: hooks{queued: func(time.Time) {}, durable: func(time.Time) {}}, configured: h.cfg.Channels,
		told: map[string]notice.Told{}, unwritten: map[netip.Prefix]*registration{},
	}
}

// judge lets the engine see what came, publishes what it tells, and keeps the account.
func (h *hall) judge() {
	for more := true; more; {
		more = h.w.engine.judge(h.w.now, bite)
		out := h.w.engine.take()
		h.p.publish(out, h.w.engine.book.Changed(), h.w.now)
		for _, n := range out.notices {
			if n.Held == "" {
				h.account(&n)
			}
		}
	}
}

func (h *hall) account(n *notice.Notice) {
	told := h.told[n.Incident]
	if told == nil {
		told = map[string]bool{}
		h.told[n.Incident] = told
	}
	tell := func(channel string) {
		h.wants[channel] = append(h.wants[channel], fmt.Sprint(n.Incident, " ", n.Status, " ", n.Delivery))
	}
	if n.Status == notice.Resolved {
		for channel, owed := range told {
			if owed {
				tell(channel)
			}
		}
		delete(h.told, n.Incident)
		return
	}
	for _, c := range h.cfg.Channels {
		_, was := told[c.Name]
		if was || concerned(&c, n) {
			told[c.Name] = told[c.Name] || c.Resolve
			tell(c.Name)
		}
	}
}

// concerned says whether a channel asks for what a notice tells of any of those that it concerns.
func concerned(c *config.Channel, n *notice.Notice) bool {
	least, _ := notice.ParseSeverity(c.MinSeverity)
	for _, a := range n.Audiences() {
		if a.Severity >= least && (c.Labels == nil || a.Labels["team"] == c.Labels["team"]) && (c.Types == nil || slices.Contains(c.Types, n.Type)) {
			return true
		}
	}
	return false
}

func (h *hall) shows(i int, peer string, origin uint32) {
	h.w.engine.input(h.w.change(peer, seatOfHall(i).String(), h.w.peers[peer].ASN, origin))
	h.judge()
}

func (h *hall) pass(d time.Duration) {
	end := h.w.now.Add(d)
	rings := 0
	for at, ok := h.w.engine.next(); ok && !at.After(end); at, ok = h.w.engine.next() {
		if at.After(h.w.now) {
			h.w.now = at
		}
		if h.judge(); rings > 100_000 {
			h.Fatalf("at %s it is to be called at %s, again and again", h.w.now, at)
		}
		rings++
	}
	h.w.now = end
	h.judge()
}

// reload draws other channels, and how grave hijacks are.
func (h *hall) reload() {
	next := *h.cfg
	next.Channels = nil
	for _, name := range []string{"a", "b", "c", "d"} {
		if rapid.IntRange(0, 4).Draw(h.T, name+" is there") == 0 {
			continue
		}
		c := config.Channel{
			Name: name, Kind: "webhook", Resolve: rapid.IntRange(0, 3).Draw(h.T, name+" resolves") > 0,
			MinSeverity: rapid.SampledFrom([]string{"info", "warning", "error", "critical"}).Draw(h.T, name+" hears"),
		}
		switch rapid.IntRange(0, 4).Draw(h.T, name+" asks for") {
		case 0:
			c.Labels = map[string]string{"team": rapid.SampledFrom([]string{"t0", "t1", "t2"}).Draw(h.T, name+" team")}
		case 1:
			c.Types = []string{rapid.SampledFrom([]string{notice.OriginChange, notice.Withdrawn, notice.SessionDown}).Draw(h.T, name+" type")}
		}
		h.names[name] = true
		next.Channels = append(next.Channels, c)
	}
	next.Severity = map[string]string{notice.OriginChange: rapid.SampledFrom([]string{"info", "warning", "critical", "off"}).Draw(h.T, "hijacks are")}
	h.cfg = &next
	h.p.configured = next.Channels
	h.w.engine.reload(&next)
	h.judge()
}

// written waits until all is in the store.
func (h *hall) written() {
	done := make(chan error, 1)
	h.store.Submit(store.Batch{Urgent: true}, func(err error) { done <- err })
	if err := <-done; err != nil {
		h.Fatal(err)
	}
}

// restart goes on with what is in the store. The sessions come up again, and show what they showed.
func (h *hall) restart(shown map[string]map[int]uint32) {
	h.p.flush(h.w.engine)
	h.written()
	old := h.w
	h.w = &world{t: old.t, now: old.now, peers: map[string]*bgp.Vantage{}}
	h.w.engine = newEngine(h.cfg, incident.Options{Source: "test", NewID: randomID, Severity: h.cfg.Severity}, false, zap.NewNop())
	for _, p := range h.cfg.Peers {
		was := *old.peers[p.Name]
		h.w.peers[p.Name] = &was
		h.w.engine.expect(&was, p, h.w.now)
	}
	h.p = h.publisher()
	k, err := h.p.load(h.T.Context())
	if err != nil {
		h.Fatal(err)
	}
	h.p.rejoin(&k)
	if err := h.w.engine.restore(k); err != nil {
		h.Fatal(err)
	}
	h.judge()
	for _, peer := range slices.Sorted(maps.Keys(shown)) {
		h.rises(peer, shown[peer])
	}
}

func (h *hall) rises(peer string, shown map[int]uint32) {
	v := h.w.peers[peer]
	h.w.engine.input(bgp.SessionUp{Vantage: v, At: h.w.now, Families: bgp.Families[:], EndOfRIBDue: true})
	for _, i := range slices.Sorted(maps.Keys(shown)) {
		h.shows(i, peer, shown[i])
	}
	for _, f := range bgp.Families {
		h.w.engine.input(bgp.EndOfRIB{Vantage: v, Family: f, At: h.w.now})
	}
	h.judge()
}

func (h *hall) silence() {
	text := rapid.SampledFrom([]string{"type=origin_change", "prefix=10.1.0.0/21", "label.team=t1", "severity=critical"}).Draw(h.T, "silence")
	m, err := incident.ParseMatcher(text)
	if err != nil {
		h.Fatal(err)
	}
	s := incident.Silence{ID: randomID("", h.w.now, 0), Matchers: []incident.Matcher{m}, Since: h.w.now, Until: h.w.now.Add(20 * time.Minute), By: "anna", Why: "work"}
	h.w.engine.silence(s, h.w.now)
	h.store.Submit(store.Batch{KV: silenceRows([]incident.Silence{s})}, nil)
	h.judge()
}

func (h *hall) unsilence() {
	for _, s := range func() []incident.Silence { list, _ := h.w.engine.book.Silences(); return list }() {
		h.w.engine.unsilence(s.ID, "anna", h.w.now)
		h.store.Submit(store.Batch{KV: []store.KV{{Kind: kindSilence, Key: s.ID}}}, nil)
	}
	h.judge()
}

func (h *hall) ack() {
	for _, r := range h.w.engine.book.Records() {
		if h.acked++; h.acked%3 == 0 {
			if err := h.w.engine.acknowledge(r.ID(), incident.Ack{By: "anna", At: h.w.now}, h.w.now); err != nil {
				h.Fatal(err)
			}
		}
	}
	h.judge()
}

// act draws what happens next. shown is what each session shows, of those that are up; which is all, and at first the truth.
func (h *hall) act(shown map[string]map[int]uint32) {
	i := rapid.IntRange(0, hallSeats-1).Draw(h.T, "prefix")
	peer := rapid.SampledFrom([]string{"edge1", "edge2"}).Draw(h.T, "peer")
	culprit := rapid.SampledFrom([]uint32{64510, 64511}).Draw(h.T, "culprit")
	change := func(i int, origin uint32) {
		if shown[peer] != nil {
			shown[peer][i] = origin
			h.shows(i, peer, origin)
		}
	}
	switch rapid.SampledFrom([]string{"hijack", "hijack", "calm", "calm", "burst", "end", "lose", "reload", "reload", "restart", "silence", "unsilence", "ack"}).Draw(h.T, "act") {
	case "hijack":
		change(i, culprit)
	case "calm":
		change(i, 64496)
	case "burst":
		for j := range hallSeats {
			change(j, culprit)
		}
	case "end":
		for j := range hallSeats {
			change(j, 64496)
		}
	case "lose":
		if shown[peer] == nil {
			shown[peer] = calm()
			h.rises(peer, shown[peer])
			return
		}
		delete(shown, peer)
		h.w.engine.input(bgp.SessionDown{Vantage: h.w.peers[peer], At: h.w.now, Reason: "lost"})
		h.judge()
	case "reload":
		h.reload()
	case "restart":
		h.restart(shown)
	case "silence":
		h.silence()
	case "unsilence":
		h.unsilence()
	case "ack":
		h.ack()
	}
}

// calm is what a session shows of which nothing is wrong.
func calm() map[int]uint32 {
	shown := map[int]uint32{}
	for i := range hallSeats {
		shown[i] = 64496
	}
	return shown
}

// check holds the outbox to the account.
func (h *hall) check() {
	h.written()
	for channel := range h.names {
		rows, err := h.store.Pending(h.T.Context(), channel, 0, 10_000)
		if err != nil {
			h.Fatal(err)
		}
		var got []string
		over := map[string]bool{}
		for _, row := range rows {
			n, err := notice.Parse(row.Body)
			if err != nil {
				h.Fatal(err)
			}
			if over[n.Incident] {
				h.Fatalf("%s is told %s of %s after its end", channel, n.Status, n.Incident)
			}
			over[n.Incident] = n.Status == notice.Resolved
			got = append(got, fmt.Sprint(n.Incident, " ", n.Status, " ", row.ID))
		}
		if want := h.wants[channel]; !slices.Equal(got, want) {
			h.Fatalf("%s is told\n%s\nand is to be told\n%s", channel, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// Every channel is told of each incident that concerns it, and of the end of just those that it was told of, whatever reload,
// restart, silence or acknowledgement, whatever rise or fall comes between.
func TestWhoIsTold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHall(rt, t)
		stages := newStages()
		stages.start(t.Context(), h.store.Run)
		defer stages.stop()
		shown := map[string]map[int]uint32{"edge1": calm(), "edge2": calm()}
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			h.act(shown)
			h.pass(rapid.SampledFrom([]time.Duration{0, time.Second, 6 * time.Second, 2 * time.Minute, 25 * time.Minute}).Draw(rt, "pass"))
		}
		for _, peer := range []string{"edge1", "edge2"} {
			if shown[peer] == nil {
				h.rises(peer, calm())
			}
			for i := range hallSeats {
				h.shows(i, peer, 64496)
			}
		}
		h.unsilence()
		h.pass(24 * time.Hour)
		h.check()
		if open := h.w.engine.book.Records(); len(open) > 0 || len(h.told) > 0 {
			rt.Fatalf("all is over, and open are %+v; owed are %v", open, h.told)
		}
	})
}
