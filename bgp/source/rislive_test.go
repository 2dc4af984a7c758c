package source

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"peervane/bgp"
	"peervane/bgp/rib"
)

// risServer is a server that speaks as RIS Live does.
type risServer struct {
	*httptest.Server
	conns chan *websocket.Conn
	asked chan string // of the client, each message
	agent chan string
}

func newRISServer(t *testing.T) *risServer {
	s := &risServer{conns: make(chan *websocket.Conn, 10), asked: make(chan string, 10_000), agent: make(chan string, 10)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c, err := websocket.Accept(w, req, nil)
		if err != nil {
			return
		}
		s.agent <- req.URL.RawQuery
		s.conns <- c
		for {
			_, text, err := c.Read(context.Background())
			if err != nil {
				return
			}
			s.asked <- string(text)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *risServer) say(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Error(err)
	}
}

// ask gives the next things that the client asked for.
func (s *risServer) ask(t *testing.T, n int) (out []string) {
	t.Helper()
	for range n {
		select {
		case text := <-s.asked:
			var m struct {
				Type string
				Data risFilter
			}
			if err := json.Unmarshal([]byte(text), &m); err != nil || !m.Data.Socket.IncludeRaw || !m.Data.Socket.Acknowledge {
				t.Errorf("%s: %v", text, err)
			}
			out = append(out, fmt.Sprintf("%s %s%s", strings.TrimPrefix(m.Type, "ris_"), m.Data.Prefix, strings.ReplaceAll(m.Data.Type, risUpdate, "")))
		case <-time.After(10 * time.Second):
			t.Fatalf("asked only for %q", out)
		}
	}
	return out
}

func risText(host, peer, asn string, at time.Time, rest string) string {
	return fmt.Sprintf(`{"type":"ris_message","data":{"timestamp":%d.5,"peer":%q,"peer_asn":%q,"host":%q,%s}}`, at.Unix(), peer, asn, host, rest)
}

func risAnnounce(prefix, path string) string {
	return fmt.Sprintf(`"type":"UPDATE","path":[%s],"origin":"igp","announcements":[{"next_hop":"198.51.100.1","prefixes":[%q]}]`, path, prefix)
}

// risLab is a running feed and its server.
type risLab struct {
	t      *testing.T
	server *risServer
	feed   *risLive
	wake   chan struct{}
	logs   *observer.ObservedLogs
}

func newRISLab(t *testing.T, watched *rib.Watched) *risLab {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	l := &risLab{t: t, server: newRISServer(t), wake: make(chan struct{}, 1), logs: logs}
	made, err := NewFeed(FeedConfig{
		Name: "ris", Kind: "ris-live", URL: "ws" + strings.TrimPrefix(l.server.URL, "http") + "/v1/ws/?token=geheim", Watched: watched,
	}, l.wake, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	l.feed = made.(*risLive)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.feed.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l
}

// told waits until so much has been told.
func (l *risLab) told(n int) string {
	l.t.Helper()
	var took []bgp.Input
	for len(took) < n {
		select {
		case <-l.wake:
			took, _ = l.feed.Take(took, 1000)
		case <-time.After(10 * time.Second):
			l.t.Fatalf("told only %d: %v", len(took), l.logs.All())
		}
	}
	var lines []string
	for _, in := range took {
		lines = append(lines, in.Of().Name+" "+say(in))
	}
	return strings.Join(lines, "\n")
}

func (l *risLab) want(n int, want ...string) {
	l.t.Helper()
	if got := l.told(n); got != strings.Join(want, "\n") {
		l.t.Errorf("told\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestRISLive(t *testing.T) {
	l := newRISLab(t, rib.NewWatched(feedNets, nil))
	s, now := l.server, time.Now()
	if got := fmt.Sprint(s.ask(t, 3)); got != "[subscribe 192.0.2.0/24 subscribe 2001:db8::/32 subscribe RIS_PEER_STATE]" {
		t.Errorf("asked for %s", got)
	}
	if got := <-s.agent; !strings.Contains(got, "client=peervane") {
		t.Errorf("it says %q of itself", got)
	}
	c := <-s.conns
	if st := l.feed.Status(); st.State != FeedStarting {
		t.Errorf("the status is %+v before anything is acknowledged", st)
	}
	for range 3 {
		s.say(t, c, `{"type":"ris_subscribe_ok","data":{}}`)
	}
	hijack := risText("rrc00.ripe.net", "198.51.100.9", "64500", now, risAnnounce("192.0.2.0/24", "64500,64497"))
	for _, text := range []string{
		"no JSON", `{"type":"pong"}`, `{"type":"ris_error","data":7}`, `{"type":"ris_error","data":{"message":"no such filter"}}`, `[]`,
		risText("../etc", "198.51.100.9", "64500", now, risAnnounce("192.0.2.0/24", "64500,64498")),
		risText("rrc00.ripe.net", "198.51.100.9", "64500", now, `"type":"KEEPALIVE"`),
		hijack, hijack, // both subscriptions matched
		risText("rrc00.ripe.net", "198.51.100.9", "64500", now, risAnnounce("203.0.113.0/24", "64500,64497")), // nobody watches it
	} {
		s.say(t, c, text)
	}
	const name = "ris/rrc00/198.51.100.9/64500"
	l.want(2, name+" up [ipv4 ipv6] due=false", name+" +192.0.2.0/24 64500 64497")
	s.say(t, c, risText("rrc00.ripe.net", "198.51.100.9", "64500", now, `"type":"RIS_PEER_STATE","state":"down"`))
	l.want(1, name+" down kept=[]")
	s.say(t, c, risText("rrc00.ripe.net", "198.51.100.9", "64500", now, risAnnounce("192.0.2.0/24", "64500,64496")))
	l.want(2, name+" up [ipv4 ipv6] due=false", name+" +192.0.2.0/24 64500 64496")
	if st := l.feed.Status(); st.State != FeedUp || st.Bad != 3 || st.Up != 1 || st.Routes != 1 || !strings.Contains(st.LastError, "no such filter") {
		t.Errorf("the status is %+v", st)
	}

	// What is watched changes: first it is asked for what is new.
	l.feed.SetWatched(rib.NewWatched([]netip.Prefix{feedNets[0], netip.MustParsePrefix("203.0.113.0/24")}, nil))
	if got := fmt.Sprint(s.ask(t, 2)); got != "[subscribe 203.0.113.0/24 unsubscribe 2001:db8::/32]" {
		t.Errorf("asked for %s", got)
	}

	// The connection is lost, and comes again: what was seen is unknown until it is seen.
	c.CloseNow()
	l.want(1, name+" down kept=[]")
	if st := l.feed.Status(); st.State != FeedDown || !strings.Contains(st.LastError, "the connection ended") {
		t.Errorf("the status is %+v", st)
	}
	s.ask(t, 3)
	s.say(t, <-s.conns, risText("rrc00.ripe.net", "198.51.100.9", "64500", now, risAnnounce("192.0.2.0/24", "64500,64496")))
	l.want(2, name+" up [ipv4 ipv6] due=false", name+" +192.0.2.0/24 64500 64496")
	for _, e := range l.logs.All() {
		if strings.Contains(fmt.Sprint(e), "geheim") {
			t.Errorf("the log has a secret: %v", e)
		}
	}
}

// A server that refuses a subscription, or answers none, is not up; one that sends routes is, though it knows no acknowledgement.
func TestRISLiveUnanswered(t *testing.T) {
	const ok, route = `{"type":"ris_subscribe_ok","data":{}}`, "route"
	for name, c := range map[string]struct {
		says   []string
		reason string
		state  FeedState
	}{
		"refused":            {[]string{ok, `{"type":"ris_error","data":{"message":"no such filter"}}`}, `the server says: "no such filter"`, FeedUp},
		"silent":             {nil, "not acknowledged a subscription within 50ms", FeedStarting},
		"one unanswered":     {[]string{ok, ok, route}, "not acknowledged a subscription within 50ms", FeedUp},
		"no acknowledgement": {[]string{route}, "the connection ended", FeedUp},
		"all acknowledged":   {[]string{ok, ok, ok, `{"type":"ris_error","data":{"message":"later"}}`}, "the connection ended", FeedUp},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRISServer(t)
			made, err := NewFeed(FeedConfig{
				Name: "ris", Kind: "ris-live", URL: "ws" + strings.TrimPrefix(s.URL, "http"), Watched: rib.NewWatched(feedNets, nil),
			}, make(chan struct{}, 1), zap.NewNop())
			if err != nil {
				t.Fatal(err)
			}
			r := made.(*risLive)
			r.answer = 50 * time.Millisecond
			ended := make(chan error, 1)
			go func() { ended <- r.session(t.Context()) }()
			conn := <-s.conns
			s.ask(t, 3)
			for _, text := range c.says {
				if text == route {
					text = risText("rrc00.ripe.net", "198.51.100.9", "64500", time.Now(), risAnnounce("192.0.2.0/24", "64500,64496"))
				}
				s.say(t, conn, text)
			}
			if c.reason == "the connection ended" {
				time.AfterFunc(4*r.answer, func() { conn.CloseNow() })
			}
			if err := <-ended; !strings.Contains(err.Error(), c.reason) {
				t.Errorf("it ended with %v, want %s", err, c.reason)
			}
			if st := r.Status(); st.State != c.state {
				t.Errorf("the status is %+v", st)
			}
		})
	}
}

// With very many prefixes, and with watched ASNs, the whole stream is asked for.
func TestRISSubscriptions(t *testing.T) {
	many := make([]netip.Prefix, maxSubscriptions+1)
	for i := range many {
		many[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
	}
	for _, c := range []struct {
		watched *rib.Watched
		want    int
	}{
		{rib.NewWatched(many, nil), 1}, {rib.NewWatched(many[1:], nil), maxSubscriptions + 1}, {rib.NewWatched(feedNets, []uint32{64496}), 1},
		{rib.NewWatched(nil, nil), 1}, {rib.NewWatched(append(many, netip.MustParsePrefix("10.0.0.0/8")), nil), 2},
	} {
		if got := subscriptionsTo(c.watched); len(got) != c.want {
			t.Errorf("%d subscriptions, want %d", len(got), c.want)
		}
	}
}

// What cannot be connected to is told without its address, and tried again.
func TestRISLiveRefused(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	made, err := NewFeed(FeedConfig{Name: "ris", Kind: "ris-live", URL: "ws://user:geheim@127.0.0.1:1/?token=geheim"}, make(chan struct{}, 1), zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	r := made.(*risLive)
	err = r.session(t.Context())
	if err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("it says %v", err)
	}
	r.down(err.Error(), time.Now())
	if logs.FilterMessageSnippet("feed is down").Len() != 1 || strings.Contains(fmt.Sprint(logs.All()), "geheim") {
		t.Errorf("logged %v", logs.All())
	}
}

// Whatever a server says, a feed outlives it, keeps only what is watched, and names its vantages soundly.
func FuzzRISLive(f *testing.F) {
	at := time.Unix(1_700_000_000, 0)
	for _, text := range []string{
		risText("rrc00.ripe.net", "198.51.100.9", "64500", at, risAnnounce("192.0.2.0/24", "64500,[64496,64497]")),
		risText("rrc00", "2001:db8::1", "64500", at, `"type":"UPDATE","withdrawals":["192.0.2.0/24"],"raw":"ffff"`),
		risText("rrc00", "2001:db8::1", "64500", at, `"type":"RIS_PEER_STATE","state":"connected"`),
		`{"type":"ris_error","data":{"message":"x"}}`, `{}`, `[`,
	} {
		f.Add([]byte(text), []byte(text))
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		made, err := NewFeed(FeedConfig{Name: "ris", Kind: "ris-live", Watched: rib.NewWatched(feedNets, nil)}, make(chan struct{}, 1), zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		r := made.(*risLive)
		now := time.Now()
		_ = r.message(one, now)
		_ = r.message(two, now)
		took, _ := r.Take(nil, 1000)
		for _, in := range took {
			if c, ok := in.(bgp.Change); ok && !r.opts.Watched.Match(c.Prefix) {
				t.Errorf("told of %v", c.Prefix)
			}
			if in.When().After(now) || strings.Count(in.Of().Name, "/") != 3 {
				t.Errorf("%s at %v", in.Of().Name, in.When())
			}
		}
	})
}
