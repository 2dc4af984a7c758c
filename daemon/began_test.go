package daemon

import (
	"strings"
	"testing"
	"time"

	"peervane/bgp/rpki"
	"peervane/config"
	"peervane/daemon/notice"
)

// month is for how long a route has been there and been good.
const month = 30 * 24 * time.Hour

// peerlock says nothing of any route here, but all are judged by it.
var peerlock = []config.Peerlock{{ASN: 64999}}

const beganPrefix = "203.0.113.0/24"

// heldForAMonth is a world in which both peers have held a prefix for a month, and nothing was wrong with that.
func heldForAMonth(t *testing.T, change func(*config.Config)) *world {
	cfg := twoPeers(registered(beganPrefix, 64496))
	change(cfg)
	w := newWorld(t, cfg)
	w.want(w.announce("edge1", beganPrefix, 64500, 64505, 64496), "")
	w.want(w.announce("edge2", beganPrefix, 64501, 64496), "")
	w.want(w.pass(month), "")
	return w
}

// began holds the one open incident to when it started.
func (w *world) began(want time.Time) {
	w.t.Helper()
	records := w.engine.book.Records()
	if len(records) != 1 || !records[0].Notice.StartedAt.Equal(want) {
		for _, r := range records {
			w.t.Errorf("%s started at %s", r.Notice.Type, r.Notice.StartedAt)
		}
		w.t.Fatalf("want one, started at %s", want)
	}
}

// end judges what resolves, and gives its sentence.
func (w *world) end() string {
	w.t.Helper()
	w.engine.judge(w.now, 100)
	notices := w.engine.take().notices
	if len(notices) != 1 || notices[0].Status != notice.Resolved {
		w.t.Fatalf("told: %+v", notices)
	}
	return notices[0].Summary
}

func unchanged(*config.Config) {}

// A route that a new ROA makes invalid is invalid since then, however long it has been there.
func TestInvalidSinceTheROA(t *testing.T) {
	w := heldForAMonth(t, unchanged)
	w.engine.validated(vrps(64511, w.now, "198.51.100.0/24"))
	w.want(w.pass(time.Hour), "")
	roa := w.now
	w.engine.validated(vrps(64511, roa, beganPrefix))
	w.want(w.tell(), "firing:rpki_invalid:203.0.113.0/24:64496")
	w.began(roa)
	if since := w.engine.book.Records()[0].Notice.Evidence.Routes[0].Since; !since.Equal(start) {
		t.Errorf("the route is held since %s", since)
	}
	w.now = w.now.Add(2 * time.Minute)
	w.engine.validated(vrps(64496, w.now, beganPrefix))
	if told := w.end(); !strings.HasPrefix(told, "resolved after 2m0s: ") {
		t.Error(told)
	}
}

// A route that comes after the ROA is wrong since it came.
func TestInvalidSinceTheRoute(t *testing.T) {
	w := newWorld(t, twoPeers(registered(beganPrefix, 64496)))
	w.engine.validated(vrps(64511, start, beganPrefix))
	w.want(w.pass(time.Second), "")
	w.want(w.announce("edge1", beganPrefix, 64500, 64496), "firing:rpki_invalid:203.0.113.0/24:64496")
	w.began(w.now)

	w = heldForAMonth(t, unchanged)
	w.engine.validated(vrps(64511, w.now, beganPrefix, "203.0.113.128/25"))
	w.tell()
	came := w.now.Add(time.Minute)
	w.pass(time.Minute)
	w.want(w.announce("edge1", "203.0.113.128/25", 64500, 64510), "firing:subprefix:203.0.113.128/25:64510")
	for _, r := range w.engine.book.Records() {
		if r.Notice.Type == notice.SubPrefix && !r.Notice.StartedAt.Equal(came) {
			t.Errorf("%s started at %s", r.Notice.Type, r.Notice.StartedAt)
		}
	}
}

// What holds already goes on as it began, whatever data or configuration comes.
func TestBeganOnce(t *testing.T) {
	w := newWorld(t, twoPeers(registered(beganPrefix, 64496)))
	w.engine.validated(vrps(64511, start, beganPrefix))
	w.pass(time.Second)
	w.announce("edge1", beganPrefix, 64500, 64496)
	w.announce("edge2", beganPrefix, 64501, 64496)
	began := w.now
	w.pass(time.Hour)
	w.engine.validated(vrps(64510, w.now, beganPrefix))
	w.want(w.tell(), "")
	w.began(began)
	cfg := twoPeers(registered(beganPrefix, 64496))
	cfg.Detect.Peerlock = peerlock
	w.engine.reload(cfg)
	w.want(w.pass(time.Hour), "")
	w.began(began)
}

// A path that new ASPAs call leaked is leaked since then.
func TestLeakedSinceTheASPA(t *testing.T) {
	w := newWorld(t, twoPeers(registered(beganPrefix, 64496)))
	w.want(w.announce("edge1", beganPrefix, 64500, 64502, 64505, 64496), "")
	w.want(w.announce("edge2", beganPrefix, 64501, 64496), "")
	w.want(w.pass(month), "")
	w.engine.validated(rpki.NewSet(nil, []rpki.ASPA{{Customer: 64496, Providers: []uint32{64999}}, {Customer: 64500, Providers: []uint32{64999}}}))
	if told := w.tell(); !strings.Contains(told, "firing:route_leak:203.0.113.0/24:") {
		t.Fatalf("told %q", told)
	}
	for _, r := range w.engine.book.Records() {
		if !r.Notice.StartedAt.Equal(w.now) {
			t.Errorf("%s started at %s", r.Notice.Type, r.Notice.StartedAt)
		}
	}
}

// What a reload makes wrong is wrong since the reload: whether it is about one registration, or all are judged by it.
func TestWrongSinceTheReload(t *testing.T) {
	for _, c := range []struct {
		change func(*config.Config)
		want   string
	}{
		{func(c *config.Config) { c.Prefixes[0].Policy.Upstreams = []uint32{64501} }, "firing:forged_origin:203.0.113.0/24:64505"},
		{func(c *config.Config) { c.Prefixes[0].Policy.Paths = []config.PathRule{{Match: "_64505_"}} }, "firing:path_rule:203.0.113.0/24:64496"},
		{func(c *config.Config) { c.Prefixes[0].Policy.MaxPathLength = 2 }, "firing:policy:203.0.113.0/24:64496"},
		{func(c *config.Config) { c.Prefixes[0].Policy.Origins = []uint32{64511} }, "firing:origin_change:203.0.113.0/24:64496"},
		{func(c *config.Config) {
			c.Detect.Peerlock = []config.Peerlock{{ASN: 64505, AllowedUpstreams: []uint32{64499}}}
		}, "firing:route_leak:203.0.113.0/24:64500"},
		{func(c *config.Config) { c.Detect.Hold = time.Second }, ""},
		{unchanged, ""},
	} {
		w := heldForAMonth(t, unchanged)
		reload := func(change func(*config.Config)) {
			cfg := twoPeers(registered(beganPrefix, 64496))
			change(cfg)
			w.engine.reload(cfg)
		}
		reload(c.change)
		w.want(w.tell(), c.want)
		if c.want == "" {
			continue
		}
		w.began(w.now)
		w.now = w.now.Add(time.Minute)
		reload(unchanged)
		if told := w.end(); !strings.Contains(told, "after 1m0s: ") {
			t.Error(told)
		}
	}
}

// The hold begins with the new data, too, and then it began with that, not with what came meanwhile. While the incident waits, it is
// no reason to keep quiet of an outage.
func TestHoldOfNewData(t *testing.T) {
	w := heldForAMonth(t, func(c *config.Config) { c.Detect.Hold = 10 * time.Minute })
	began := w.now
	w.engine.validated(vrps(64511, w.now, beganPrefix))
	w.want(w.tell(), "")
	w.want(w.pass(5*time.Minute), "")
	w.engine.validated(vrps(64510, w.now, beganPrefix))
	w.want(w.pass(5*time.Minute-time.Second), "")
	w.want(w.pass(time.Second), "firing:rpki_invalid:203.0.113.0/24:64496")
	w.began(began)

	w = heldForAMonth(t, func(c *config.Config) { c.Detect.Hold = 10 * time.Minute })
	cfg := twoPeers(registered(beganPrefix, 64511))
	cfg.Detect.Hold = 10 * time.Minute
	w.engine.reload(cfg)
	w.want(w.tell(), "")
	w.want(w.pass(30*time.Second), "firing:withdrawn:203.0.113.0/24:0")
	w.want(w.pass(9*time.Minute+30*time.Second), "resolved:withdrawn:203.0.113.0/24:0 firing:origin_change:203.0.113.0/24:64496")
}

// What has been told waits for no hold again, whatever changes: it goes on to explain what is missing.
func TestHoldIsOverOnce(t *testing.T) {
	with := func(change func(*config.Config)) *config.Config {
		cfg := twoPeers(registered(beganPrefix, 64496))
		cfg.Detect.Hold, cfg.Detect.PathChangeHold = 10*time.Minute, 2*month
		change(cfg)
		return cfg
	}
	w := newWorld(t, with(unchanged))
	w.announce("edge1", beganPrefix, 64500, 64505, 64496)
	w.announce("edge2", beganPrefix, 64501, 64505, 64496)
	w.announce("edge1", beganPrefix, 64500, 64510)
	w.announce("edge2", beganPrefix, 64501, 64510)
	w.pass(20 * time.Minute)
	w.began(start)
	w.engine.reload(with(func(c *config.Config) { c.Detect.Peerlock = peerlock }))
	w.tell()
	w.want(w.pass(20*time.Minute), "")
	w.engine.validated(vrps(64511, w.now, beganPrefix))
	w.tell()
	w.want(w.pass(20*time.Minute), "")
	w.began(start)
}

// After a restart the data arrives anew, and has not changed: what was open began when it did, whether data or some routes come first.
func TestRestartBeginsNothing(t *testing.T) {
	for _, first := range []string{"data", "routes"} {
		w := heldForAMonth(t, unchanged)
		began := w.now
		w.engine.validated(vrps(64511, w.now, beganPrefix))
		w.want(w.tell(), "firing:rpki_invalid:203.0.113.0/24:64496")
		w.pass(time.Hour)
		w = w.restart()
		w.pass(time.Minute)
		if first == "data" {
			w.engine.validated(vrps(64511, w.now, beganPrefix))
		}
		w.up("edge1")
		w.want(w.announce("edge1", beganPrefix, 64500, 64505, 64496), "")
		w.pass(time.Second)
		if first == "routes" {
			w.engine.validated(vrps(64511, w.now, beganPrefix))
		}
		w.want(w.endOfRIB("edge1"), "")
		w.up("edge2")
		w.want(w.announce("edge2", beganPrefix, 64501, 64496), "")
		w.want(w.endOfRIB("edge2"), "")
		w.began(began)
	}
}
