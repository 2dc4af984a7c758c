package probe

import (
	"net/netip"
	"time"

	"peervane/probe/stats"
)

// grace is how long after its timeout a probe is still remembered, so that its
// answer is late and not unknown, and a second answer is a duplicate.
const grace = 10 * time.Second

// flight is one probe that may still be answered.
type flight struct {
	round    *round // nil once its batch has been handed out
	flow     *icmpFlow
	place    int // in the batch
	addr     netip.Addr
	seq      uint16
	cookie   [cookieLen]byte
	key      uint32 // of its transmit stamp
	sent     instant
	tx       int64  // transmit stamp of the kernel, 0 = not seen
	drops    uint32 // of the socket when it was sent
	answered bool
	expires  time.Duration // on the clock of instant.mono
}

// flights is the in-flight table of one lane. Entries leave it in the order in
// which they came, answered or not, so it never holds more than was sent in
// one timeout and grace: a dead target costs what a live one does.
type flights struct {
	bySeq map[uint16]*flight
	byKey map[uint32]*flight // those whose transmit stamp has not come
	queue []*flight          // oldest first
	next  uint16
}

func newFlights(first uint16) *flights {
	return &flights{bySeq: make(map[uint16]*flight), byKey: make(map[uint32]*flight), next: first}
}

// add gives the flight its sequence number. It fails when the one that is due
// is held by a probe that still waits: 65,536 are under way.
func (t *flights) add(f *flight) bool {
	if old := t.bySeq[t.next]; old != nil {
		if old.round != nil {
			return false
		}
		t.drop(old)
	}
	f.seq = t.next
	t.next++
	t.bySeq[f.seq] = f
	t.queue = append(t.queue, f)
	return true
}

// sweep forgets what has expired.
func (t *flights) sweep(now time.Duration) {
	for len(t.queue) > 0 && t.queue[0].expires <= now {
		t.drop(t.queue[0])
		t.queue[0] = nil
		t.queue = t.queue[1:]
	}
}

// drop removes a flight from the maps, if its places are still its own.
func (t *flights) drop(f *flight) {
	if t.bySeq[f.seq] == f {
		delete(t.bySeq, f.seq)
	}
	if t.byKey[f.key] == f {
		delete(t.byKey, f.key)
	}
}

// expectStamp says which transmit stamp will be that of a flight.
func (t *flights) expectStamp(f *flight, key uint32) {
	f.key = key
	t.byKey[key] = f
}

// forgetStamps gives up the transmit stamps that have not come.
func (t *flights) forgetStamps() {
	clear(t.byKey)
}

// stamp takes in a transmit stamp. One that is older than the flight is of a
// packet that had the number before the numbering began anew.
func (t *flights) stamp(key uint32, tx int64) {
	if f := t.byKey[key]; f != nil && tx >= f.sent.wall {
		f.tx = tx
		delete(t.byKey, key)
	}
}

// matches is true when an echo from addr answers this probe and no other. The
// cookie also tells this probe from an earlier one of the same number.
func (f *flight) matches(addr netip.Addr, cookie []byte) bool {
	return addr.WithZone("") == f.addr.WithZone("") && string(cookie) == string(f.cookie[:])
}

// quotedIn is true when an ICMP error quotes this probe. RFC 792 promises only
// the first 8 bytes of it; more is compared as far as it goes.
func (f *flight) quotedIn(to netip.Addr, cookie []byte) bool {
	n := min(len(cookie), len(f.cookie))
	return to.WithZone("") == f.addr.WithZone("") && string(cookie[:n]) == string(f.cookie[:n])
}

// answer takes in a genuine reply.
func (f *flight) answer(rtt time.Duration, source string) {
	switch {
	case f.answered:
		f.flow.count(tally{duplicate: 1})
	case f.round == nil:
		f.flow.count(tally{recovered: 1})
	default:
		o := Outcome{Seq: f.place, Sent: f.round.outcomes[f.place].Sent, RTT: rtt, TSSource: source, Kind: stats.Reply}
		if rtt > f.round.timeout {
			o.Kind = stats.Late
		}
		f.round.settle(o)
	}
	f.answered = true
}

// refuse takes in an ICMP error. It is not final: such errors are easily
// forged (RFC 5927), and a reply that still comes is the better witness.
func (f *flight) refuse(offender netip.Addr) {
	if f.round == nil || f.answered {
		return
	}
	o := &f.round.outcomes[f.place]
	o.Kind, o.Offender = stats.Unreachable, offender
}
