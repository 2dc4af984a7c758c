package source

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	gobgp "github.com/osrg/gobgp/v3/pkg/packet/bgp"
	gobmp "github.com/osrg/gobgp/v3/pkg/packet/bmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/wire"
)

// bmpMessage puts a header before what a message holds.
func bmpMessage(typ uint8, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	b := binary.BigEndian.AppendUint32([]byte{bmpVersion}, uint32(bmpHeaderLen+len(body)))
	return append(append(b, typ), body...)
}

// about is a per-peer header.
func about(typ, flags uint8, distinguisher uint64, peer mrtPeer) []byte {
	b := binary.BigEndian.AppendUint64([]byte{typ, flags}, distinguisher)
	if peer.addr.Is6() {
		b[1] |= bmpFlagIPv6
	} else {
		b = append(b, make([]byte, 12)...)
	}
	b = binary.BigEndian.AppendUint32(append(b, peer.addr.AsSlice()...), peer.asn)
	return append(b, make([]byte, 12)...)
}

func bmpInit() []byte {
	return bmpMessage(bmpInitiation, []byte{0, 1, 0, 1, 'x', 0, 2, 0, 5}, []byte("edge1"))
}

// bmpUp is a Peer Up; addPath says that the peer sends several paths.
func bmpUp(header []byte, addPath bool) []byte { return bmpUpOf(64499, header, addPath) }

// bmpUpOf is one of a router of an AS; the peer is of 64500.
func bmpUpOf(router uint32, header []byte, addPath bool) []byte {
	open := func(asn uint32, mode uint8) []byte {
		o := wire.Open{Version: wire.Version, ASN: asn, HoldTime: 90, RouterID: [4]byte{192, 0, 2, 9}}
		o.Caps = wire.Capabilities{AS4: true, HasMP: true, Families: [bgp.NumFamilies]bool{true, true}}
		if addPath {
			o.Caps.AddPath[bgp.IPv4] = mode
		}
		return o.Append(nil)
	}
	return bmpMessage(bmpPeerUp, header, make([]byte, 20), open(router, wire.AddPathReceive), open(64500, wire.AddPathSend), []byte{0, 0, 0, 2, 'h', 'i'})
}

// bmpLab is a feed that listens, and what it tells.
type bmpLab struct {
	*risLab
	bmp *bmp
}

func newBMPLab(t *testing.T, allow ...netip.Prefix) *bmpLab {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	l := &bmpLab{risLab: &risLab{t: t, wake: make(chan struct{}, 1), logs: logs}}
	made, err := NewFeed(FeedConfig{
		Name: "routers", Kind: "bmp", Listen: netip.MustParseAddrPort("127.0.0.1:0"), Allow: allow, Watched: rib.NewWatched(feedNets, nil),
	}, l.wake, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	l.bmp = made.(*bmp)
	l.risLab.feed = &risLive{feed: l.bmp.feed} // it takes, and no more
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.bmp.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	l.await(func(s FeedStatus) bool { return s.State == FeedWaiting })
	return l
}

// await waits until the status is so.
func (l *bmpLab) await(so func(FeedStatus) bool) {
	l.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for tick := time.NewTicker(time.Millisecond); !so(l.bmp.Status()); <-tick.C {
		if time.Now().After(deadline) {
			l.t.Fatalf("the status is %+v; log %v", l.bmp.Status(), l.logs.All())
		}
	}
}

// router connects, and says something.
func (l *bmpLab) router(says ...[]byte) net.Conn {
	l.t.Helper()
	l.bmp.routers.Lock()
	at := l.bmp.bound
	l.bmp.routers.Unlock()
	conn, err := net.Dial("tcp", at.String())
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { conn.Close() })
	l.say(conn, says...)
	return conn
}

func (l *bmpLab) say(conn net.Conn, says ...[]byte) {
	l.t.Helper()
	if _, err := conn.Write(bytes.Join(says, nil)); err != nil {
		l.t.Error(err)
	}
}

// closed waits until the other end has closed a connection.
func closed(t *testing.T, conn net.Conn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.Copy(io.Discard, conn); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Error("the connection stays")
	}
}

func TestBMP(t *testing.T) {
	l := newBMPLab(t)
	peer := about(0, 0, 0, recordedPeer)
	conn := l.router(bmpInit(), bmpMessage(bmpRouteMonitoring, peer, update("192.0.2.0/24", "", 64500, 64666)), // not up yet
		bmpUp(peer, false), bmpMessage(bmpStatistics, peer, make([]byte, 4)), bmpMessage(200, []byte("of later times")),
		bmpMessage(bmpRouteMonitoring, peer, update("192.0.2.0/24", "", 64500, 64496)),
		bmpMessage(bmpRouteMonitoring, about(0, bmpFlagPostPolicy, 0, recordedPeer), update("192.0.2.0/24", "", 64500, 64666)),
		bmpMessage(bmpRouteMonitoring, about(0, bmpFlagRIBOut, 0, recordedPeer), update("192.0.2.0/24", "", 64500, 64666)),
		bmpUp(about(3, 0, 0, recordedPeer), false), // Loc-RIB
		bmpMessage(bmpRouteMonitoring, about(3, 0, 0, recordedPeer), update("192.0.2.0/24", "", 64500, 64666)),
		bmpMessage(bmpRouteMonitoring, peer, wire.AppendEndOfRIB(nil, bgp.IPv4)))
	const name = "routers/127.0.0.1/192.0.2.1/64500"
	l.want(3, name+" up [ipv4 ipv6] due=false", name+" +192.0.2.0/24 64500 64496 initial", name+" eor ipv4")
	l.say(conn, bmpMessage(bmpRouteMonitoring, peer, update("", "192.0.2.0/24")))
	l.want(1, name+" -192.0.2.0/24")
	l.say(conn, bmpMessage(bmpPeerDown, peer, []byte{3}), bmpMessage(bmpPeerDown, peer, []byte{1}))
	l.want(1, name+" down kept=[]")
	l.await(func(s FeedStatus) bool { return s.Bad == 1 && s.State == FeedUp })
	if n := l.logs.FilterMessageSnippet("behind its policy").Len(); n != 1 {
		t.Errorf("logged %d times", n)
	}

	// IPv6, two octets, and a VRF.
	six := mrtPeer{netip.MustParseAddr("2001:db8:ffff::1"), 64501}
	vrf := about(1, bmpFlagAS2, 0x0000_fc00_0000_0007, six)
	body := wire.AppendUpdate(nil, recordedParams(false, false, six), &bgp.Attrs{Path: bgp.Sequence(64501, 64496), NextHop: six.addr}, []wire.NLRI{{Prefix: feedNets[1]}}, nil)
	l.say(conn, bmpUp(vrf, false), bmpMessage(bmpRouteMonitoring, vrf, body))
	const inVRF = "routers/127.0.0.1/64512:7/2001:db8:ffff::1/64501"
	l.want(2, inVRF+" up [ipv4 ipv6] due=false", inVRF+" +2001:db8::/32 64501 64496 initial")

	// The router goes: what its peers held is unknown. It comes again: they are the same vantages.
	conn.Close()
	l.want(1, inVRF+" down kept=[]")
	l.await(func(s FeedStatus) bool {
		return s.State == FeedDown && strings.Contains(s.LastError, "router 127.0.0.1")
	})
	was := l.bmp.live.vantages.byKey[vantageKey{"127.0.0.1", recordedPeer.addr, recordedPeer.asn}]
	l.router(bmpInit(), bmpUp(peer, false))
	l.want(1, name+" up [ipv4 ipv6] due=false")
	l.await(func(s FeedStatus) bool { return s.State == FeedUp && s.Up == 1 && s.Vantages == 2 })
	if !was.up {
		t.Error("the vantage is another")
	}
}

// Of a neighbour of the router's own AS, what has not left the AS is left out, and gone where it was seen from outside before.
func TestBMPInternal(t *testing.T) {
	l := newBMPLab(t)
	peer := about(0, 0, 0, recordedPeer)
	says := [][]byte{bmpInit(), bmpUpOf(64500, peer, false), bmpMessage(bmpRouteMonitoring, peer, update("192.0.2.0/24", "", 64496, 64497))}
	for _, path := range [][]uint32{{}, {64500}, {64512, 4200000000}, {64512, 64500}} {
		says = append(says, bmpMessage(bmpRouteMonitoring, peer, update("192.0.2.128/25", "", path...)))
	}
	says = append(says, bmpMessage(bmpRouteMonitoring, peer, wire.AppendEndOfRIB(nil, bgp.IPv4)),
		bmpMessage(bmpRouteMonitoring, peer, update("192.0.2.64/26", "", 64512, 64497)), bmpMessage(bmpRouteMonitoring, peer, update("192.0.2.0/24", "")))
	l.router(says...)
	const name = "routers/127.0.0.1/192.0.2.1/64500"
	l.want(4, name+" up [ipv4 ipv6] due=false", name+" +192.0.2.0/24 64496 64497 initial", name+" +192.0.2.64/26 64512 64497", name+" -192.0.2.0/24")
}

// Several paths of a prefix are told apart where both OPENs of the Peer Up say so.
func TestBMPAddPath(t *testing.T) {
	l := newBMPLab(t)
	peer := about(0, 0, 0, recordedPeer)
	says := [][]byte{bmpInit(), bmpUp(peer, true)}
	for id, origin := range []uint32{64496, 64497} {
		says = append(says, bmpMessage(bmpRouteMonitoring, peer, wire.AppendUpdate(nil, recordedParams(true, true, recordedPeer),
			&bgp.Attrs{Path: bgp.Sequence(64500, origin), NextHop: recordedPeer.addr}, []wire.NLRI{{Prefix: feedNets[0], PathID: uint32(id + 1)}}, nil)))
	}
	l.router(says...)
	const name = "routers/127.0.0.1/192.0.2.1/64500"
	l.want(3, name+" up [ipv4 ipv6] due=false", name+" +192.0.2.0/24 64500 64496 initial", name+" +192.0.2.0/24 64500 64497 initial")
	if s := l.bmp.Status(); s.Routes != 2 {
		t.Errorf("%d routes", s.Routes)
	}
}

// What is no BMP, and who may not come, is shown out; a router's second connection takes the place of its first.
func TestBMPConnections(t *testing.T) {
	l := newBMPLab(t, netip.MustParsePrefix("192.0.2.0/24"))
	closed(t, l.router())
	if l.logs.FilterMessage("router refused").Len() != 1 {
		t.Errorf("logged %v", l.logs.All())
	}
	l = newBMPLab(t, netip.MustParsePrefix("127.0.0.0/8"))
	for _, says := range [][]byte{
		[]byte("GET / HTTP/1.1\r\n"), {bmpVersion, 0xff, 0xff, 0xff, 0xff, bmpInitiation}, {bmpVersion, 0, 0, 0, 5, bmpInitiation},
		bmpMessage(bmpStatistics), append(bmpInit(), bmpMessage(bmpTermination, []byte{0, 1, 0, 2, 0, 2})...),
	} {
		closed(t, l.router(says))
	}
	l.await(func(s FeedStatus) bool { return strings.Contains(s.LastError, "out of resources") })
	peer := about(0, 0, 0, recordedPeer)
	first := l.router(bmpInit(), bmpUp(peer, false))
	l.told(1)
	l.router(bmpInit(), bmpUp(peer, false))
	closed(t, first)
	const name = "routers/127.0.0.1/192.0.2.1/64500"
	l.want(2, name+" down kept=[]", name+" up [ipv4 ipv6] due=false")
}

// Where the address is taken, that is told, and tried again.
func TestBMPCannotListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	made, err := NewFeed(FeedConfig{Name: "routers", Kind: "bmp", Listen: netip.MustParseAddrPort(taken.Addr().String())}, make(chan struct{}, 1), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- made.Run(ctx) }()
	(&bmpLab{risLab: &risLab{t: t, logs: &observer.ObservedLogs{}}, bmp: made.(*bmp)}).await(func(s FeedStatus) bool {
		return s.State == FeedDown && strings.Contains(s.LastError, "in use")
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// What gobgp's codec writes is read as it means it.
func TestBMPAgainstGobgp(t *testing.T) {
	l := newBMPLab(t)
	header := gobmp.NewBMPPeerHeader(0, 0, 0, "192.0.2.1", 64500, "192.0.2.1", 0)
	open := gobgp.NewBGPOpenMessage(64500, 90, "192.0.2.1", []gobgp.OptionParameterInterface{
		gobgp.NewOptionParameterCapability([]gobgp.ParameterCapabilityInterface{gobgp.NewCapFourOctetASNumber(64500)}),
	})
	path := gobgp.NewPathAttributeAsPath([]gobgp.AsPathParamInterface{gobgp.NewAs4PathParam(2, []uint32{64500, 64496})})
	routes := gobgp.NewBGPUpdateMessage(nil, []gobgp.PathAttributeInterface{gobgp.NewPathAttributeOrigin(0), path, gobgp.NewPathAttributeNextHop("192.0.2.1")},
		[]*gobgp.IPAddrPrefix{gobgp.NewIPAddrPrefix(24, "192.0.2.0")})
	var says [][]byte
	for _, m := range []*gobmp.BMPMessage{
		gobmp.NewBMPInitiation([]gobmp.BMPInfoTLVInterface{gobmp.NewBMPInfoTLVString(2, "edge\n1")}),
		gobmp.NewBMPPeerUpNotification(*header, "192.0.2.254", 179, 50000, open, open),
		gobmp.NewBMPRouteMonitoring(*header, routes),
		gobmp.NewBMPPeerDownNotification(*header, 2, nil, []byte{0, 0}),
	} {
		b, err := m.Serialize()
		if err != nil {
			t.Fatal(err)
		}
		says = append(says, b)
	}
	l.router(says...)
	const name = "routers/127.0.0.1/192.0.2.1/64500"
	l.want(3, name+" up [ipv4 ipv6] due=false", name+" +192.0.2.0/24 64500 64496 initial", name+" down kept=[]")
	if !strings.Contains(fmt.Sprint(l.logs.FilterMessage("router of a feed").All()), "edge?1") {
		t.Errorf("logged %v", l.logs.All())
	}
}

func TestDistinguisher(t *testing.T) {
	for d, want := range map[uint64]string{
		0x0000_fc00_0000_0007: "64512:7", 0x0001_c000_0201_0007: "192.0.2.1:7", 0x0002_0001_0000_0007: "65536:7", 0xffff_0000_0000_0001: "ffff000000000001",
	} {
		if got := distinguisher(d); got != want {
			t.Errorf("%x is %s, want %s", d, got, want)
		}
	}
}

// Whatever a router says, the feed outlives it and keeps only what is watched.
func FuzzBMP(f *testing.F) {
	peer := about(0, 0, 0, recordedPeer)
	for _, says := range [][][]byte{
		{bmpInit(), bmpUp(peer, true), bmpMessage(bmpRouteMonitoring, peer, update("192.0.2.0/24", "", 64500, 64496)), bmpMessage(bmpPeerDown, peer, []byte{4})},
		{bmpInit(), bmpUp(about(1, bmpFlagAS2, 7, recordedPeer), false), bmpMessage(bmpTermination, []byte{0, 1, 0, 2, 0, 0})},
		{bmpInit(), bmpUp(peer, false), bmpMessage(bmpRouteMonitoring, peer, wire.AppendEndOfRIB(nil, bgp.IPv6))},
	} {
		f.Add(bytes.Join(says, nil))
	}
	f.Fuzz(func(t *testing.T, says []byte) {
		b, s := bmpHeard(t)
		in, body, now := bytes.NewReader(says), []byte(nil), time.Now()
		for {
			typ, read, err := bmpFrame(in, body, func() {})
			if err != nil {
				break
			}
			if body = read; s.message(typ, body, now) != nil {
				break
			}
		}
		s.lose("the end", now)
		up := map[*bgp.Vantage]bool{}
		took, _ := b.Take(nil, 1<<20)
		for _, in := range took {
			switch in := in.(type) {
			case bgp.SessionUp:
				up[in.Vantage] = true
			case bgp.SessionDown:
				up[in.Vantage] = false
			case bgp.Change:
				if !b.opts.Watched.Match(in.Prefix) || !up[in.Vantage] {
					t.Errorf("told of %v at %s, up %v", in.Prefix, in.Vantage.Name, up[in.Vantage])
				}
			}
		}
		for v, still := range up {
			if still {
				t.Errorf("%s is up without its router", v.Name)
			}
		}
	})
}
