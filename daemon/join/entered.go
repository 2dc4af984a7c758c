package join

import (
	"net/netip"
	"time"
)

// Hop is one router on the way to a POP.
type Hop struct {
	TTL  int
	Addr netip.Addr    // not valid: it stays silent
	ASN  uint32        // that originates the address; 0: not known
	RTT  time.Duration // the fastest answer
}

// Entered finds the hop where a delay entered the way: the first from which on everything answers later than it did, by at least
// half of the delay. Where there is no way from before, the delay is looked for in one step from hop to hop. A router that is slow to
// answer, but fast to forward, is passed over: what lies behind it answers sooner.
func Entered(now, before []Hop, delay time.Duration) (at Hop, added time.Duration, found bool) {
	usual := map[netip.Addr]time.Duration{}
	for _, h := range floors(before) {
		usual[h.Addr] = h.RTT
	}
	var base time.Duration // of the last hop that both ways have in common, or of the hop before
	for _, h := range floors(now) {
		was, common := usual[h.Addr]
		if common {
			base = was
		}
		if h.RTT-base >= delay/2 {
			return h, h.RTT - base, true
		}
		if len(before) == 0 {
			base = h.RTT
		}
	}
	return Hop{}, 0, false
}

// floors gives the hops that answer, none later than any behind it.
func floors(hops []Hop) (out []Hop) {
	for _, h := range hops {
		if h.Addr.IsValid() {
			out = append(out, h)
		}
	}
	for i := len(out) - 2; i >= 0; i-- {
		out[i].RTT = min(out[i].RTT, out[i+1].RTT)
	}
	return out
}
