package daemon

import (
	"testing"
	"time"

	"peervane/daemon/incident"
	"peervane/daemon/notice"
)

// told is what channels get: what is held back goes to the log alone.
func (w *world) told() string {
	for w.engine.judge(w.now, 3) {
	}
	var told string
	for _, n := range w.engine.take().notices {
		if n.Held == "" {
			told += " " + short(n)
		}
	}
	return told
}

// onlyVantage is a world whose one session has withdrawn two prefixes while a silence held that back, and is down now.
func onlyVantage(t *testing.T) *world {
	t.Helper()
	cfg := twoPeers(registered("203.0.113.0/24", 64496), registered("198.51.100.0/24", 64496))
	cfg.Peers = cfg.Peers[:1]
	w := newWorld(t, cfg)
	for _, reg := range cfg.Prefixes {
		w.announce("edge1", reg.Prefix.String(), 64500, 64496)
	}
	m, err := incident.ParseMatcher("type=withdrawn")
	if err != nil {
		t.Fatal(err)
	}
	w.engine.silence(incident.Silence{ID: "work", Matchers: []incident.Matcher{m}, Since: w.now, Until: w.now.Add(time.Hour)}, w.now)
	for _, reg := range cfg.Prefixes {
		w.withdraw("edge1", reg.Prefix.String())
	}
	w.pass(time.Minute)
	if got := len(w.engine.book.Records()); got != 2 {
		t.Fatalf("%d are withdrawn", got)
	}
	w.down("edge1")
	w.want(w.pass(time.Minute), "firing:session_down:edge1:0")
	w.want(w.pass(time.Hour), "") // the silence is over: the session explains it all
	for _, r := range w.engine.book.Records() {
		if r.Notice.Type == notice.Withdrawn && r.Held != "session_down of edge1" {
			t.Errorf("%s is held back by %q", r.Notice.Prefix, r.Held)
		}
	}
	return w
}

// A session that is down holds back what is withdrawn at it alone. Once it has shown its table again, what still is withdrawn
// is told, and what no longer is is not.
func TestSessionDownHoldsItsWithdrawalsBack(t *testing.T) {
	w := onlyVantage(t)
	w.want(w.up("edge1"), "resolved:session_down:edge1:0") // the prefixes may yet come
	w.engine.input(w.change("edge1", "203.0.113.0/24", 64500, 64496))
	w.want(w.told(), "")
	w.want(w.endOfRIB("edge1"), "firing:withdrawn:198.51.100.0/24:0")
	w.want(w.announce("edge1", "198.51.100.0/24", 64500, 64496), "resolved:withdrawn:198.51.100.0/24:0")
}

// Another session at which it is withdrawn too is up: nothing explains that.
func TestSessionDownOfOneOfTwoHoldsNothingBack(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	for peer, asn := range map[string]uint32{"edge1": 64500, "edge2": 64501} {
		w.announce(peer, "203.0.113.0/24", asn, 64496)
	}
	w.down("edge1")
	w.want(w.pass(time.Minute), "firing:session_down:edge1:0")
	w.withdraw("edge2", "203.0.113.0/24")
	w.pass(29 * time.Second)
	w.now = w.now.Add(time.Second)
	w.want(w.told(), " firing:withdrawn:203.0.113.0/24:0")
}

// While this host is cut off nothing else is told but the end of what was told before. What still stands after it is told then.
func TestUplinkHoldsRoutesBack(t *testing.T) {
	c := newCut(t, registered("203.0.113.0/24", 64496), registered("198.51.100.0/24", 64496), registered("192.0.2.0/24", 64496))
	for _, reg := range c.engine.cfg.Prefixes {
		c.announce("edge1", reg.Prefix.String(), 64500, 64496)
		c.announce("edge2", reg.Prefix.String(), 64501, 64496)
	}
	c.want(c.batch(true), "")
	c.want(c.announce("edge1", "192.0.2.0/24", 64500, 64510), "firing:origin_change:192.0.2.0/24:64510")
	c.heard = c.now
	told := c.pass(10 * time.Second)
	for range 4 {
		told += c.batch(false) + c.pass(10*time.Second)
	}
	c.want(told, "firing:uplink::0")
	change := func(prefix string, origin uint32, want string) {
		t.Helper()
		c.engine.input(c.change("edge1", prefix, 64500, origin))
		c.want(c.told(), want)
	}
	change("203.0.113.0/24", 64511, "")
	change("198.51.100.0/24", 64511, "")
	change("203.0.113.0/24", 64496, "")
	change("192.0.2.0/24", 64496, " resolved:origin_change:192.0.2.0/24:64510")
	c.heard = c.now
	c.batchOf(true)
	c.want(c.told(), " firing:origin_change:198.51.100.0/24:64511 resolved:uplink::0")
	change("198.51.100.0/24", 64496, " resolved:origin_change:198.51.100.0/24:64511")
}
