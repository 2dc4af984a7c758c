package source

import (
	"net/netip"
	"strconv"
)

// ris prints a message of RIS Live as if it had come as BGP4MP_ET.
func (d *dumper) ris(m *risMessage) error {
	switch m.typ {
	case risPeerState:
		return d.state(&mrtState{at: m.at, et: true, peer: m.peer, from: m.stateBefore(), to: m.stateAfter()})
	case risUpdate:
		d.risWithdrawals(m)
		d.risAnnouncements(m)
	}
	return d.flushIfFull()
}

func (d *dumper) risWithdrawals(m *risMessage) {
	d.begin("BGP4MP_ET", m.at, true, "W", m.peer)
	for _, p := range m.withdrawn {
		d.out = append(appendPrefix(append(d.out, d.head...), p), '\n')
	}
}

func (d *dumper) risAnnouncements(m *risMessage) {
	d.begin("BGP4MP_ET", m.at, true, "A", m.peer)
	d.renderRIS(&m.attrs)
	for _, routes := range m.announced {
		for _, p := range routes.prefixes {
			d.line(p, false, 0, routes.nextHop)
		}
	}
}

// renderRIS prints the attributes of a message; RIS Live has no LOCAL_PREF and no ATOMIC_AGGREGATE.
func (d *dumper) renderRIS(a *risAttrs) {
	b := append(append(d.text.path[:0], '|'), a.path.String()...)
	b = append(append(b, '|'), a.origin.String()...)
	d.text.path = append(b, '|')

	med := uint32(0)
	if a.med != nil {
		med = *a.med
	}
	b = strconv.AppendUint(append(d.text.tail[:0], "|0|"...), uint64(med), 10)
	b = append(b, '|')
	for i, c := range a.communities {
		if i > 0 {
			b = append(b, ' ')
		}
		b = appendCommunity(b, c)
	}
	b = append(b, "|NAG|"...)
	if a.aggregator.Addr.IsValid() {
		b = append(strconv.AppendUint(b, uint64(a.aggregator.ASN), 10), ' ')
		b = appendAddr(b, a.aggregator.Addr)
	}
	d.text.tail = append(b, "|\n"...)
}

// line prints one announced route.
func (d *dumper) line(p netip.Prefix, addPath bool, pathID uint32, nextHop netip.Addr) {
	b := appendPrefix(append(d.out, d.head...), p)
	if addPath {
		b = strconv.AppendUint(append(b, '|'), uint64(pathID), 10)
	}
	b = appendAddr(append(b, d.text.path...), nextHop)
	d.out = append(b, d.text.tail...)
}

// stateBefore and stateAfter are the session states of RFC 4271 that a RIS_PEER_STATE comes down to.
func (m *risMessage) stateBefore() uint16 { return mrtEstablished + mrtIdle - m.stateAfter() }

func (m *risMessage) stateAfter() uint16 {
	if m.state == risConnected {
		return mrtEstablished
	}
	return mrtIdle
}
