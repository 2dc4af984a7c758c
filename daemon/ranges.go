package daemon

import (
	"fmt"
	"net/netip"
	"reflect"
	"time"

	"go.uber.org/zap"

	"peervane/bgp/session"
	"peervane/config"
)

const (
	forgetAfter = 24 * time.Hour   // so long is a dynamic neighbour that is down remembered
	forgetEvery = 10 * time.Minute // between two looks
)

// setRanges lets dynamic neighbours in, and those no more whose range went.
func (ps *peers) setRanges(wanted map[string]config.Peer) {
	for name, c := range ps.ranges {
		if want, ok := wanted[name]; !ok || !reflect.DeepEqual(want, c) {
			delete(ps.ranges, name)
			ps.deafen(c.Dynamic, c.Interface)
		}
	}
	for name, c := range wanted {
		if _, have := ps.ranges[name]; have || !c.Dynamic.IsValid() {
			continue
		}
		ps.ranges[name] = c
		ps.hear(c, c.Dynamic, func(remote netip.Addr) *session.Session { return ps.dynamic(c, remote) })
	}
}

// dynamic gives the session of a neighbour in a range, making it when it comes for the first time. The listener calls it.
func (ps *peers) dynamic(c config.Peer, remote netip.Addr) *session.Session {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if have, ok := ps.ranges[c.Name]; !ok || !reflect.DeepEqual(have, c) || ps.ctx == nil {
		return nil
	}
	name := fmt.Sprintf("%s/%s", c.Name, remote)
	p := ps.byName[name]
	if p == nil {
		ps.forgetIdle(time.Now())
		p = ps.add(name, c, remote)
		ps.arrived = append(ps.arrived, p)
		signal(ps.wake)
	}
	return p.Session()
}

// forgetIdle ends the dynamic neighbours that have been down for long.
func (ps *peers) forgetIdle(now time.Time) {
	for _, name := range append([]string(nil), ps.order...) {
		p := ps.byName[name]
		s := p.Status().Session
		if p.config.Dynamic.IsValid() && s.Up.IsZero() && now.Sub(s.Since) > forgetAfter {
			ps.remove(name, false)
		}
	}
}

func (ps *peers) hear(c config.Peer, prefix netip.Prefix, give func(netip.Addr) *session.Session) {
	zone := ""
	if prefix.Addr().IsLinkLocalUnicast() {
		zone = c.Interface
	}
	err := ps.listener.Add(session.Neighbours{
		Name: c.Name, Prefix: prefix, Zone: zone, Password: c.Password.Reveal(), Session: give,
	})
	if err != nil {
		ps.log.Error("neighbour cannot connect to us", zap.String("peer", c.Name), zap.Error(err))
	}
}

func (ps *peers) deafen(prefix netip.Prefix, zone string) {
	if !prefix.Addr().IsLinkLocalUnicast() {
		zone = ""
	}
	if err := ps.listener.Remove(prefix, zone); err != nil {
		ps.log.Warn("key of a removed neighbour stays set", zap.Stringer("neighbours", prefix), zap.Error(err))
	}
}
