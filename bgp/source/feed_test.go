package source

import (
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/wire"
)

// A vantage that is lost is forgotten after a day, also where nothing else happens to the connection.
func TestFeedForgetsLost(t *testing.T) {
	began := time.Now()
	peer := about(0, 0, 0, recordedPeer)
	b, s := bmpHeard(t)
	for _, c := range []struct {
		after    time.Duration
		message  []byte
		vantages int
	}{
		{0, bmpUp(peer, false), 1}, {0, bmpMessage(bmpPeerDown, peer, []byte{4}), 1},
		{forgetVantage - time.Minute, bmpMessage(bmpStatistics), 1}, {forgetVantage + time.Minute, bmpMessage(bmpStatistics), 0},
	} {
		if err := s.message(c.message[5], c.message[6:], began.Add(c.after)); err != nil {
			t.Fatal(err)
		}
		if got := b.Status().Vantages; got != c.vantages {
			t.Errorf("after %s %d are known", c.after, got)
		}
	}
	took, _ := b.Take(nil, 1000)
	if _, gone := took[len(took)-1].(bgp.Gone); !gone {
		t.Errorf("told %v", took)
	}

	made, err := NewFeed(FeedConfig{Name: "ris", Kind: "ris-live", Watched: rib.NewWatched(feedNets, nil)}, make(chan struct{}, 1), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	r := made.(*risLive)
	_ = r.message([]byte(risText("rrc00", "198.51.100.9", "64500", began, risAnnounce("192.0.2.0/24", "64500,64496"))), began)
	_ = r.message([]byte(risText("rrc00", "198.51.100.9", "64500", began, `"type":"RIS_PEER_STATE","state":"down"`)), began)
	_ = r.message([]byte(`{"type":"pong"}`), began.Add(forgetVantage+time.Minute))
	if got := r.Status().Vantages; got != 0 {
		t.Errorf("%d are known", got)
	}
}

// The table that streams while more comes to be watched is no whole one; the next is. Its router is made to show that.
func TestBMPGained(t *testing.T) {
	more := rib.NewWatched(append([]netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, feedNets...), nil)
	peer := about(0, 0, 0, recordedPeer)
	end := bmpMessage(bmpRouteMonitoring, peer, wire.AppendEndOfRIB(nil, bgp.IPv4))
	const name = "192.0.2.1/64500"
	b, s := bmpHeard(t)
	wantHeard(t, s.hears(t, bmpUp(peer, false)), name+" up [ipv4 ipv6] due=false")
	b.SetWatched(more)
	wantHeard(t, s.hears(t, end))
	wantHeard(t, s.hears(t, bmpUp(peer, false), end), name+" down kept=[]", name+" up [ipv4 ipv6] due=false", name+" eor ipv4")

	l := newBMPLab(t)
	first := l.router(bmpInit(), bmpUp(peer, false))
	l.told(1)
	l.bmp.SetWatched(rib.NewWatched(feedNets, nil)) // the same
	l.bmp.SetWatched(more)
	closed(t, first)
	l.told(1)
	l.router(bmpInit(), bmpUp(peer, false))
	l.told(1)
	l.bmp.SetWatched(rib.NewWatched(append([]netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, feedNets...), nil))
	l.bmp.routers.Lock()
	defer l.bmp.routers.Unlock()
	if wait := bmpAgain - time.Since(l.bmp.asked); l.bmp.asking == nil || len(l.bmp.by) != 1 || wait < bmpAgain/2 {
		t.Errorf("asked again so soon, %s before its time", wait)
	}
}

// Who looks at the status waits for no reload: what is shown then is that of before.
func TestFeedStatusWaitsForNothing(t *testing.T) {
	b, s := bmpHeard(t)
	s.hears(t, bmpInit())
	b.mu.Lock()
	defer b.mu.Unlock()
	shown := make(chan FeedStatus, 1)
	go func() { shown <- b.Status() }()
	select {
	case st := <-shown:
		if st.State != FeedUp {
			t.Errorf("the status is %+v", st)
		}
	case <-time.After(5 * time.Second):
		t.Error("it waits")
	}
}
