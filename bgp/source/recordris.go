package source

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/wire"
)

// ris takes in one message of RIS Live.
func (r *recorder) ris(m *risMessage) error {
	if m.host != "" {
		r.collector = m.host
	}
	switch m.typ {
	case risUpdate:
		return r.risUpdate(m)
	case risPeerState:
		r.stats.States++
		return r.session(m.peer, m.state == risConnected, m.state == risDown, "recorded peer state "+m.state, m.at)
	}
	r.ignored(fmt.Sprintf("RIS message %q", m.typ))
	return nil
}

func (r *recorder) risUpdate(m *risMessage) error {
	v, err := r.vantage(m.peer, m.at)
	if err != nil {
		return err
	}
	for _, p := range m.withdrawn {
		r.stats.Withdrawn++
		if err := r.withdraw(v, p, 0, m.at); err != nil {
			return err
		}
	}
	for i := range m.announced {
		if err := r.risRoutes(v, m, &m.announced[i]); err != nil {
			return err
		}
	}
	return nil
}

// risRoutes takes in the routes with one next hop.
func (r *recorder) risRoutes(v *recordedVantage, m *risMessage, routes *risRoutes) error {
	id := rib.None
	defer func() { r.vantages.interner.Release(id) }()
	for _, p := range routes.prefixes {
		r.stats.Announced++
		get := func() rib.ID {
			if id == rib.None {
				id = r.internRIS(m, routes.nextHop, bgp.FamilyOf(p))
			}
			return id
		}
		if err := r.learn(v, p, 0, get, m.at, v.first[bgp.FamilyOf(p)].cause(m.at)); err != nil {
			return err
		}
	}
	return nil
}

// internRIS gives the attributes of a message's routes with one next hop, with a reference. Where the message comes
// with its bytes, and they say the same path, they give what RIS Live does not decode.
func (r *replay) internRIS(m *risMessage, nextHop netip.Addr, f bgp.Family) rib.ID {
	in := &r.vantages.interner
	if u := r.scanRaw(m); u != nil {
		if a := u.Attrs(f); a.Path.String() == m.attrs.path.String() {
			a.NextHop = nextHop
			id, _ := in.Intern(append(u.Key(f), nextHop.AsSlice()...))
			in.SetAttrs(id, a)
			return id
		}
	}
	id, isNew := in.Intern(m.attrs.key(nextHop))
	if isNew {
		in.SetAttrs(id, m.attrs.decode(nextHop))
	}
	return id
}

// scanRaw gives the bytes of a message, nil if there are none or they are no sound UPDATE. RIS peers speak 4-octet
// ASNs but for a few; those of the few do not give the same path and are not used.
func (r *replay) scanRaw(m *risMessage) *wire.Update {
	if m.raw == "" {
		return nil
	}
	raw, err := hex.DecodeString(m.raw)
	if err != nil {
		return nil
	}
	body, err := updateOf(raw)
	if err != nil || body == nil {
		return nil
	}
	if recordedParams(true, false, m.peer).Scan(body, &r.scanned) > wire.AttributeDiscard {
		return nil
	}
	return &r.scanned
}

// key identifies decoded attributes. It begins unlike any key of package wire, whose first octet is 2 or 4.
func (a *risAttrs) key(nextHop netip.Addr) []byte {
	b := append([]byte{0xff, byte(a.origin)}, a.path.String()...)
	b = append(append(b, 0, byte(nextHop.BitLen())), nextHop.AsSlice()...)
	if a.med != nil {
		b = binary.BigEndian.AppendUint32(append(b, 1), *a.med)
	}
	b = binary.BigEndian.AppendUint32(append(b, 2), a.aggregator.ASN)
	b = append(b, a.aggregator.Addr.AsSlice()...)
	for _, c := range a.communities {
		b = binary.BigEndian.AppendUint32(b, uint32(c))
	}
	return b
}

func (a *risAttrs) decode(nextHop netip.Addr) *bgp.Attrs {
	out := &bgp.Attrs{Path: a.path, Origin: a.origin, NextHop: nextHop, Aggregator: a.aggregator, Communities: a.communities}
	if a.med != nil {
		out.MED, out.HasMED = *a.med, true
	}
	return out
}
