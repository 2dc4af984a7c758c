package source

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/wire"
)

// bmpHeard is a session whose messages are given by hand.
func bmpHeard(t testing.TB) (*bmp, *bmpSession) {
	made, err := NewFeed(FeedConfig{Name: "routers", Kind: "bmp", Watched: rib.NewWatched(feedNets, nil)}, make(chan struct{}, 1), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	b := made.(*bmp)
	return b, &bmpSession{feed: b.feed, router: netip.MustParseAddr("192.0.2.254"), peers: map[bmpKey]*bmpNeighbour{}}
}

// hears gives it messages, and says what is told then.
func (s *bmpSession) hears(t testing.TB, says ...[]byte) string {
	t.Helper()
	for _, m := range says {
		if err := s.message(m[5], m[6:], time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	var lines []string
	took, _ := s.feed.Take(nil, 1<<20)
	for _, in := range took {
		lines = append(lines, strings.TrimPrefix(in.Of().Name+" "+say(in), "routers/192.0.2.254/"))
	}
	return strings.Join(lines, "\n")
}

func wantHeard(t testing.TB, got string, want ...string) {
	t.Helper()
	if got != strings.Join(want, "\n") {
		t.Errorf("told\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// A router that says the same without end has little of it wait.
func TestBMPBounded(t *testing.T) {
	peer := about(0, 0, 0, recordedPeer)
	for name, again := range map[string][]byte{
		"End-of-RIB": bmpMessage(bmpRouteMonitoring, peer, wire.AppendEndOfRIB(nil, bgp.IPv4)), "Peer Up": bmpUp(peer, false),
	} {
		b, s := bmpHeard(t)
		says := [][]byte{bmpUp(peer, false)}
		for range 10 * maxEvents {
			says = append(says, again)
		}
		for _, m := range says {
			if err := s.message(m[5], m[6:], time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if took, _ := b.Take(nil, 1<<20); len(took) > maxEvents+2 {
			t.Errorf("%s: %d wait", name, len(took))
		}
	}
}

// Neighbours on two links may have one address: they are two, and one that loses its identifier as it goes is found where it can be.
func TestBMPLinkLocal(t *testing.T) {
	header := func(id byte, asn uint32) []byte {
		h := about(0, 0, 0, mrtPeer{netip.MustParseAddr("fe80::1"), asn})
		copy(h[30:], []byte{192, 0, 2, id})
		if id == 0 {
			copy(h[30:], make([]byte, 4))
		}
		return h
	}
	one, two := header(1, 64501), header(2, 64501)
	const first, second = "192.0.2.1/fe80::1/64501", "192.0.2.2/fe80::1/64501"
	_, s := bmpHeard(t)
	wantHeard(t, s.hears(t, bmpUp(one, false), bmpUp(two, false), bmpMessage(bmpRouteMonitoring, two, update("192.0.2.0/24", "", 64501, 64496)),
		bmpMessage(bmpPeerDown, header(0, 64501), []byte{4}), bmpMessage(bmpPeerDown, one, []byte{4})),
		first+" up [ipv4 ipv6] due=false", first+" down kept=[]", second+" up [ipv4 ipv6] due=false", second+" +192.0.2.0/24 64501 64496 initial")
	wantHeard(t, s.hears(t, bmpMessage(bmpPeerDown, header(0, 64501), []byte{4})), second+" down kept=[]")
}

// A Peer Up that cannot be read ends what was before it; one of another view of the neighbour does nothing.
func TestBMPPeerUpAgain(t *testing.T) {
	peer, behind := about(0, 0, 0, recordedPeer), about(0, bmpFlagPostPolicy, 0, recordedPeer)
	const name = "192.0.2.1/64500"
	b, s := bmpHeard(t)
	route := bmpMessage(bmpRouteMonitoring, peer, update("192.0.2.0/24", "", 64500, 64496))
	wantHeard(t, s.hears(t, bmpUp(peer, false), route), name+" up [ipv4 ipv6] due=false", name+" +192.0.2.0/24 64500 64496 initial")
	wantHeard(t, s.hears(t, bmpUp(behind, false), bmpMessage(bmpPeerDown, behind, []byte{4})))
	if st := b.Status(); st.Up != 1 || st.Routes != 1 {
		t.Errorf("the status is %+v", st)
	}
	wantHeard(t, s.hears(t, bmpMessage(bmpPeerUp, peer, make([]byte, 20), []byte("no OPEN")), route), name+" down kept=[]")
	wantHeard(t, s.hears(t, bmpUp(behind, false)), name+" up [ipv4 ipv6] due=false")
	wantHeard(t, s.hears(t, bmpMessage(bmpPeerDown, behind, []byte{4})), name+" down kept=[]")
}
