package source

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// bmpSession is one router's connection.
type bmpSession struct {
	*feed
	router     netip.Addr
	name       string // as it calls itself
	conn       net.Conn
	peers      map[bmpKey]*bmpNeighbour
	postPolicy bool // that it shows some was logged
}

// bmpKey is how a router tells its neighbours apart.
type bmpKey struct {
	distinguisher uint64
	addr          netip.Addr
}

// bmpNeighbour is a neighbour that is up.
type bmpNeighbour struct {
	peer   bmpPeer
	params wire.Params
}

var errTerminated = errors.New("the router ended the connection")

// run reads until the connection ends. The first message must be an Initiation (RFC 7854 section 4.3).
func (s *bmpSession) run() error {
	in := bufio.NewReaderSize(s.conn, 64<<10)
	var body []byte
	began := func() { _ = s.conn.SetReadDeadline(time.Now().Add(bmpPatience)) } // where it cannot be set, the read fails
	began()
	for first := true; ; first = false {
		typ, read, err := bmpFrame(in, body, began)
		if err == io.EOF {
			return errors.New("the connection ended")
		}
		if err != nil {
			return err
		}
		if first && typ != bmpInitiation {
			return fmt.Errorf("its first message is of type %d, and no Initiation", typ)
		}
		_ = s.conn.SetReadDeadline(time.Time{})
		body = read
		if err := s.message(typ, body, time.Now()); err != nil {
			return err
		}
	}
}

// message takes in one message. An error ends the connection.
func (s *bmpSession) message(typ uint8, body []byte, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read(now)
	c := &cursor{b: body}
	switch typ {
	case bmpInitiation:
		s.initiation(c, now)
		return nil
	case bmpTermination:
		return termination(c)
	case bmpRouteMonitoring, bmpPeerDown, bmpPeerUp:
		if err := s.about(typ, c, now); err != nil {
			s.bad(fmt.Errorf("router %s: %w", s.router, err), now)
		}
	}
	return nil // statistics, mirrored messages, and what later times add
}

func (s *bmpSession) initiation(c *cursor, now time.Time) {
	s.name = printable(c.bmpInformation(bmpSysName))
	s.log.Info("router of a feed", zap.Stringer("router", s.router), zap.String("name", s.name))
	s.is(FeedUp, now, "")
}

func termination(c *cursor) error {
	reason := c.bmpInformation(bmpTerminated)
	if len(reason) != 2 {
		return errTerminated
	}
	words := [...]string{"it was told to", "no reason given", "it is out of resources", "it has a connection to us already", "it never monitors this for good"}
	if n := int(reason[0])<<8 | int(reason[1]); n < len(words) {
		return fmt.Errorf("%w: %s", errTerminated, words[n])
	}
	return errTerminated
}

// about takes in what is about a neighbour.
func (s *bmpSession) about(typ uint8, c *cursor, now time.Time) error {
	p := c.bmpPeer()
	if c.short || !p.addr.IsValid() {
		return malformed("a message is cut short in its per-peer header")
	}
	if !p.session() {
		return nil
	}
	switch typ {
	case bmpPeerUp:
		return s.peerUp(&p, c, now)
	case bmpPeerDown:
		return s.peerDown(&p, c.bmpWhyDown(), now)
	}
	return s.monitoring(&p, c.b, now)
}

func (s *bmpSession) peerUp(p *bmpPeer, c *cursor, now time.Time) error {
	params, home, err := c.bmpParams(p)
	if err != nil {
		return err
	}
	key, collector := bmpKey{p.distinguisher, p.addr}, p.collector(s.router)
	if old := s.peers[key]; old != nil && old.peer.asn != p.asn {
		_ = s.peerDown(&old.peer, "its ASN changed", now) // always nil
	}
	if !s.admits(collector, p.mrtPeer) {
		return nil
	}
	s.peers[key] = &bmpNeighbour{*p, params}
	r := s.recorderOf(collector)
	v := s.live.vantages.get(collector, p.mrtPeer)
	v.clear()
	v.up, v.home = true, home
	v.settle(now)
	return r.put(bgp.SessionUp{Vantage: v.Vantage, At: now, Families: bgp.Families[:], AddPath: params.AddPath, Recorded: true})
}

func (s *bmpSession) peerDown(p *bmpPeer, why string, now time.Time) error {
	key := bmpKey{p.distinguisher, p.addr}
	n := s.peers[key]
	if n == nil {
		return nil
	}
	delete(s.peers, key)
	r := s.recorderOf(p.collector(s.router))
	return r.session(n.peer.mrtPeer, false, true, why, now)
}

// monitoring takes in an UPDATE as the neighbour sent it. What the router's policy made of it, and what it sends on, is left out: a
// monitor keeps what a router may drop, and the same neighbour is not counted twice.
func (s *bmpSession) monitoring(p *bmpPeer, message []byte, now time.Time) error {
	if p.flags&bmpFlagRIBOut != 0 {
		return nil
	}
	if p.flags&bmpFlagPostPolicy != 0 {
		if !s.postPolicy {
			s.postPolicy = true
			s.log.Warn("router shows routes behind its policy, which are left out: have it show those before it (pre-policy)", zap.Stringer("router", s.router))
		}
		return nil
	}
	n := s.peers[bmpKey{p.distinguisher, p.addr}]
	if n == nil {
		return malformed(fmt.Sprintf("routes of %s, which is not up", p.addr))
	}
	body, err := updateOf(message)
	if err != nil || body == nil {
		return err
	}
	params := n.params
	params.AS4 = p.flags&bmpFlagAS2 == 0
	r := s.recorderOf(n.peer.collector(s.router))
	v := s.live.vantages.get(r.collector, n.peer.mrtPeer)
	return s.update(&r, v, params, body, now)
}

// update reads as much of an UPDATE as is sound: the router has its session still.
func (s *bmpSession) update(r *recorder, v *recordedVantage, params wire.Params, body []byte, now time.Time) error {
	u := &r.scanned
	var bad error
	if params.Scan(body, u) == wire.SessionReset {
		bad = malformed(u.Err().Reason)
		if faults := u.Faults(); params.Scan(body[:faults[len(faults)-1].Offset], u) == wire.SessionReset {
			return bad
		}
	}
	if f, ok := u.EndOfRIB(); ok && bad == nil && v.home != 0 {
		v.first[f].end() // and is not told: what was left out is no absence
		return nil
	} else if ok && bad == nil {
		v.first[f].end()
		return r.put(bgp.EndOfRIB{Vantage: v.Vantage, Family: f, At: now})
	}
	return errors.Join(r.routes(v, u, now), bad)
}

// lose makes unknown what the router's neighbours hold.
func (s *bmpSession) lose(why string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := map[*recordedVantage]bool{}
	for _, n := range s.peers {
		own[s.live.vantages.get(n.peer.collector(s.router), n.peer.mrtPeer)] = true
	}
	s.feed.lose(why, now, func(v *recordedVantage) bool { return own[v] })
}
