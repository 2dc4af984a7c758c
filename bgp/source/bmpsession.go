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
	in         *bufio.Reader // of it
	peers      map[bmpKey]*bmpNeighbour
	postPolicy bool // that it shows some was logged
}

// bmpKey is how a router tells its neighbours apart. Those on several links may have the same link-local address.
type bmpKey struct {
	distinguisher uint64
	addr          netip.Addr
	asn           uint32
	id            [4]byte
}

func (p *bmpPeer) key() bmpKey { return bmpKey{p.distinguisher, p.addr, p.asn, p.id} }

// bmpNeighbour is a neighbour that is up.
type bmpNeighbour struct {
	peer   bmpPeer
	params wire.Params
}

var errTerminated = errors.New("the router ended the connection")

// greeting reads the first message, which must be an Initiation (RFC 7854 section 4.3) and there in time.
func (s *bmpSession) greeting(within time.Duration) ([]byte, error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(within)) // where it cannot be set, the read fails
	typ, body, err := bmpFrame(s.in, nil, func() {})
	switch {
	case err != nil:
		return nil, fmt.Errorf("it sends no Initiation: %w", err)
	case typ != bmpInitiation:
		return nil, fmt.Errorf("its first message is of type %d, and no Initiation", typ)
	}
	return body, nil
}

// run takes in the Initiation, and reads until the connection ends.
func (s *bmpSession) run(first []byte) error {
	began := func() { _ = s.conn.SetReadDeadline(time.Now().Add(bmpPatience)) }
	typ, body := uint8(bmpInitiation), first
	for {
		_ = s.conn.SetReadDeadline(time.Time{})
		if err := s.message(typ, body, time.Now()); err != nil {
			return err
		}
		var err error
		typ, body, err = bmpFrame(s.in, body, began)
		if err == io.EOF {
			return errors.New("the connection ended")
		}
		if err != nil {
			return err
		}
	}
}

// message takes in one message. An error ends the connection.
func (s *bmpSession) message(typ uint8, body []byte, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read(now)
	s.tidy(now)
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
	if !p.session() || s.leftOut(&p, typ) {
		return nil
	}
	switch typ {
	case bmpPeerUp:
		return s.peerUp(&p, c, now)
	case bmpPeerDown:
		s.peerDown(&p, c.bmpWhyDown(), now)
		return nil
	}
	return s.monitoring(&p, c.b, now)
}

// peerUp takes in that a session came up. Whatever it had is lost before that, also where the rest cannot be read.
func (s *bmpSession) peerUp(p *bmpPeer, c *cursor, now time.Time) error {
	for key, old := range s.peers {
		switch {
		case key == p.key():
			s.end(key, old, "its session came up again", now)
		case key.distinguisher == p.distinguisher && key.addr == p.addr && !p.addr.IsLinkLocalUnicast():
			s.end(key, old, "its ASN or BGP identifier changed", now)
		}
	}
	params, home, err := c.bmpParams(p)
	if err != nil {
		return err
	}
	collector := p.collector(s.router)
	if !s.admits(collector, p.mrtPeer) {
		return nil
	}
	s.peers[p.key()] = &bmpNeighbour{*p, params}
	r := s.recorderOf(collector)
	v := s.live.vantages.get(collector, p.mrtPeer)
	v.clear()
	v.up, v.home = true, home
	v.settle(now)
	return r.put(bgp.SessionUp{Vantage: v.Vantage, At: now, Families: bgp.Families[:], AddPath: params.AddPath, Recorded: true})
}

// neighbour finds one that is up. A router may have forgotten the identifier of one that goes.
func (s *bmpSession) neighbour(p *bmpPeer) (bmpKey, *bmpNeighbour) {
	key := p.key()
	if n := s.peers[key]; n != nil || p.id != [4]byte{} {
		return key, n
	}
	var found *bmpNeighbour
	for k, n := range s.peers {
		if k.distinguisher != p.distinguisher || k.addr != p.addr {
			continue
		}
		if found != nil {
			return key, nil // of several, nobody can say which
		}
		key, found = k, n
	}
	return key, found
}

func (s *bmpSession) peerDown(p *bmpPeer, why string, now time.Time) {
	if key, n := s.neighbour(p); n != nil {
		s.end(key, n, why, now)
	}
}

func (s *bmpSession) end(key bmpKey, n *bmpNeighbour, why string, now time.Time) {
	delete(s.peers, key)
	r := s.recorderOf(n.peer.collector(s.router))
	_ = r.session(n.peer.mrtPeer, false, true, why, now) // always nil
}

// leftOut says whether a message is of another view of a neighbour than what it sent: what the router's policy made of it, or what
// is sent on to it. A monitor keeps what a router may drop, and the same neighbour is not counted twice. Such a view may end, or
// come up, while the one that is kept stays; where a router gives all messages its flags, they are those of the session.
func (s *bmpSession) leftOut(p *bmpPeer, typ uint8) bool {
	const other = bmpFlagPostPolicy | bmpFlagRIBOut
	switch {
	case p.flags&other == 0:
		return false
	case typ != bmpRouteMonitoring:
		_, n := s.neighbour(p)
		return n != nil && n.peer.flags&other == 0
	case p.flags&bmpFlagRIBOut != 0:
		return true
	}
	if !s.postPolicy {
		s.postPolicy = true
		s.log.Warn("router shows routes behind its policy, which are left out: have it show those before it (pre-policy)", zap.Stringer("router", s.router))
	}
	return true
}

// monitoring takes in an UPDATE as the neighbour sent it.
func (s *bmpSession) monitoring(p *bmpPeer, message []byte, now time.Time) error {
	_, n := s.neighbour(p)
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
	if f, ok := u.EndOfRIB(); ok && bad == nil {
		if v.home != 0 {
			v.first[f].end() // and is not told: what was left out is no absence
		}
		return r.endOfRIB(v, f, now)
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
