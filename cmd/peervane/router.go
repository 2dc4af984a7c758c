package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// router is a scripted BGP speaker: what the demo's networks say to the monitor. It announces what it is told to, takes
// one session at a time, and learns nothing. It speaks real BGP over TCP, with graceful restart and 4-octet ASNs.
type router struct {
	asn uint32
	id  netip.Addr

	mu     sync.Mutex
	routes []announcement // in the order in which they came
	conn   net.Conn       // nil while no session is Established
	params wire.Params
	up     chan struct{} // a token: a session came up
}

// announcement is one route that stands.
type announcement struct {
	prefix netip.Prefix
	attrs  *bgp.Attrs
}

func newRouter(asn uint32, id netip.Addr) *router {
	return &router{asn: asn, id: id, up: make(chan struct{}, 1)}
}

// serve takes sessions on l until ctx is done. It closes l.
func (r *router) serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { l.Close(); r.drop() })
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("router AS%d: %w", r.asn, err)
		}
		// A session that ends is the neighbour's affair: it comes back.
		_ = r.session(ctx, conn)
	}
}

// drop cuts the session, if there is one, as a router that loses power does.
func (r *router) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn != nil {
		r.conn.Close()
	}
}

// announce makes a route stand, in place of the one for the same prefix, and tells the neighbour.
func (r *router) announce(prefix netip.Prefix, path ...uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	attrs := &bgp.Attrs{Path: bgp.Sequence(append([]uint32{r.asn}, path...)...), NextHop: r.id}
	r.forget(prefix)
	r.routes = append(r.routes, announcement{prefix, attrs})
	r.send(wire.AppendUpdate(nil, r.params, attrs, []wire.NLRI{{Prefix: prefix}}, nil))
}

// withdraw takes a route back.
func (r *router) withdraw(prefix netip.Prefix) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(prefix)
	r.send(wire.AppendUpdate(nil, r.params, nil, nil, []wire.NLRI{{Prefix: prefix}}))
}

func (r *router) forget(prefix netip.Prefix) {
	for i, a := range r.routes {
		if a.prefix == prefix {
			r.routes = append(r.routes[:i:i], r.routes[i+1:]...)
			return
		}
	}
}

// send writes to the neighbour, if there is one. A write that fails ends the session, which its reader sees.
func (r *router) send(b []byte) {
	if r.conn != nil {
		_, _ = r.conn.Write(b)
	}
}

// session is one neighbour's, from its OPEN until it is gone.
func (r *router) session(ctx context.Context, conn net.Conn) error {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err := conn.Write(r.open().Append(nil)); err != nil {
		return err
	}
	var hold time.Duration
	for {
		typ, body, err := readMessage(conn)
		if err != nil {
			r.lost(conn)
			return err
		}
		switch typ {
		case wire.TypeOpen:
			open, wrong := wire.ParseOpen(body)
			if wrong != nil {
				return wrong
			}
			hold = time.Duration(open.HoldTime) * time.Second
			if _, err := conn.Write(wire.AppendKeepalive(nil)); err != nil {
				return err
			}
		case wire.TypeKeepalive:
			r.establish(conn)
		case wire.TypeRouteRefresh:
			r.sendAll()
		case wire.TypeNotification:
			r.lost(conn)
			return errors.New(wire.ParseNotification(body).Text())
		}
		r.keepAlive(conn)
		if hold > 0 {
			_ = conn.SetReadDeadline(time.Now().Add(hold))
		}
	}
}

func (r *router) open() *wire.Open {
	caps := wire.Capabilities{AS4: true, ASN4: r.asn, RouteRefresh: true, HasMP: true}
	caps.Families = [bgp.NumFamilies]bool{true, true}
	caps.GR = &wire.GracefulRestart{}
	return &wire.Open{Version: wire.Version, ASN: r.asn, HoldTime: 30, RouterID: r.id.As4(), Caps: caps}
}

// establish begins with all routes that stand, and the end of them.
func (r *router) establish(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == conn {
		return
	}
	r.conn = conn
	r.params = wire.Params{AS4: true, Families: [bgp.NumFamilies]bool{true, true}}
	r.tellAll()
	select {
	case r.up <- struct{}{}:
	default:
	}
}

func (r *router) sendAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tellAll()
}

func (r *router) tellAll() {
	var b []byte
	for _, a := range r.routes {
		b = wire.AppendUpdate(b, r.params, a.attrs, []wire.NLRI{{Prefix: a.prefix}}, nil)
	}
	for _, f := range bgp.Families {
		b = wire.AppendEndOfRIB(b, f)
	}
	r.send(b)
}

// keepAlive answers what the neighbour says, whose own keepalives come thrice in a hold time.
func (r *router) keepAlive(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == conn {
		r.send(wire.AppendKeepalive(nil))
	}
}

func (r *router) lost(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == conn {
		r.conn = nil
	}
}

func readMessage(conn net.Conn) (typ uint8, body []byte, err error) {
	var header [wire.HeaderLen]byte
	if _, err := io.ReadFull(conn, header[:]); err != nil {
		return 0, nil, err
	}
	typ, length, wrong := wire.ParseHeader(header[:], wire.MaxLen)
	if wrong != nil {
		return 0, nil, wrong
	}
	body = make([]byte, length-wire.HeaderLen)
	_, err = io.ReadFull(conn, body)
	return typ, body, err
}
