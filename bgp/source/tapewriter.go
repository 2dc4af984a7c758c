package source

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// TapeWriter writes a tape: Begin, Register, Stand for each vantage that is known, Stood, Put for all that comes, End. Each call writes whole
// records, at once; an error of the writer is for good. One goroutine uses it.
type TapeWriter struct {
	w       io.Writer
	buf     []byte
	numbers map[*bgp.Vantage]uint32 // of those that may still tell something
	next    uint32
}

// ErrNoPlace says of an input that a tape cannot tell it. Nothing of it was written.
var ErrNoPlace = errors.New("it cannot be recorded")

// NewTapeWriter writes to w, which had better have a buffer.
func NewTapeWriter(w io.Writer) *TapeWriter {
	return &TapeWriter{w: w, numbers: map[*bgp.Vantage]uint32{}}
}

// Begin says when the recording begins, at which host, which program writes it, and how many configurations were in force before that one.
// It may begin anew: then nothing counts that was told before.
func (t *TapeWriter) Begin(at time.Time, host, version string, configured int) error {
	clear(t.numbers)
	t.next = 0
	start := t.note(noteBegun, at)
	t.buf = appendNumber(appendText(appendText(t.buf, host), version), configured)
	return t.write(start)
}

// Register says what is registered.
func (t *TapeWriter) Register(at time.Time, r bgp.Registered) error {
	for some := range slices.Chunk(r.Prefixes, maxRegistered) {
		start := t.note(noteRegistered, at)
		t.buf = appendNumber(t.buf, r.Born)
		t.buf = binary.BigEndian.AppendUint16(t.buf, uint16(len(some)))
		for _, p := range some {
			t.buf = append(t.buf, byte(bgp.FamilyOf(p)), byte(p.Bits()))
			t.buf = append(t.buf, p.Addr().AsSlice()[:(p.Bits()+7)/8]...)
		}
		if err := t.write(start); err != nil {
			return err
		}
	}
	return nil
}

// maxRegistered is how many prefixes one note holds.
const maxRegistered = 1000

// Stand says how a vantage stands, and what it holds. More is not written: Stood says it.
func (t *TapeWriter) Stand(s bgp.Standing) error {
	number := t.number(s.Vantage, s.At)
	start := t.note(noteStanding, s.At)
	t.buf = binary.BigEndian.AppendUint32(t.buf, number)
	t.buf = appendBools(t.buf, s.Active, s.Dynamic, s.Up, s.WasUp, s.EndOfRIBDue, s.Recorded)
	t.buf = appendText(appendTime(t.buf, s.Since), s.Reason)
	for _, f := range s.Families {
		t.buf = appendNumber(appendTime(appendBools(t.buf, f.Spoken, f.Synced, f.AddPath, f.Kept), f.Since), f.Whole)
	}
	t.end(start)
	since := s.Since
	if since.IsZero() {
		since = s.At
	}
	t.state(s.Vantage, since, s.Up)
	for _, h := range s.Held {
		if err := t.held(s.Vantage, number, h, s.At); err != nil {
			return err
		}
		if len(t.buf) > tapeChunk {
			if err := t.flush(); err != nil {
				return err
			}
		}
	}
	return t.flush()
}

// tapeChunk is how much is gathered of what a vantage holds.
const tapeChunk = 32 << 10

func (t *TapeWriter) held(v *bgp.Vantage, number uint32, h bgp.Held, at time.Time) error {
	start := t.note(noteHeld, at)
	t.buf = binary.BigEndian.AppendUint32(t.buf, number)
	t.buf = appendBools(t.buf, hopless(h.Attrs))
	t.end(start)
	if err := t.route(v, h.Since, h.Prefix, h.PathID, h.Attrs); err != nil {
		return t.drop(start, err)
	}
	return nil
}

// drop takes back what was begun at start, and writes what stands before it.
func (t *TapeWriter) drop(start int, why error) error {
	t.buf = t.buf[:start]
	return errors.Join(why, t.flush())
}

// hopless says that a route has no next hop, which an UPDATE cannot say.
func hopless(a *bgp.Attrs) bool { return a != nil && !a.NextHop.IsValid() }

// Stood says that all vantages were told of that are known.
func (t *TapeWriter) Stood(at time.Time) error { return t.write(t.note(noteStood, at)) }

// End says that the recording has all until then, and why it ends: "" for nothing but that it was asked to.
func (t *TapeWriter) End(at time.Time, why string) error {
	start := t.note(noteEnded, at)
	t.buf = appendText(t.buf, why)
	return t.write(start)
}

// Put writes what a vantage told.
func (t *TapeWriter) Put(in bgp.Input) error {
	v, at := in.Of(), in.When()
	kind, fill := noteOf(in)
	if kind == 0 {
		return fmt.Errorf("%w: %T", ErrNoPlace, in)
	}
	number := t.number(v, at)
	start := t.note(kind, at)
	t.buf = fill(binary.BigEndian.AppendUint32(t.buf, number))
	t.end(start)
	switch in := in.(type) {
	case bgp.SessionUp:
		t.state(v, at, true)
	case bgp.SessionDown:
		t.state(v, at, false)
	case bgp.EndOfRIB:
		t.message(v, at, false, wire.AppendEndOfRIB(nil, in.Family))
	case bgp.Change:
		if err := t.route(v, at, in.Prefix, in.PathID, in.Attrs); err != nil {
			return t.drop(start, err)
		}
	case bgp.Gone:
		delete(t.numbers, v)
	}
	return t.flush()
}

// number gives a vantage's, and tells whose it is before it is used.
func (t *TapeWriter) number(v *bgp.Vantage, at time.Time) uint32 {
	if n, ok := t.numbers[v]; ok {
		return n
	}
	n := t.next
	t.numbers[v] = n
	t.next++
	start := t.note(noteVantage, at)
	t.buf = binary.BigEndian.AppendUint32(t.buf, n)
	t.buf = appendText(appendText(t.buf, v.Name), v.Collector)
	addr := ""
	if v.Addr.IsValid() {
		addr = v.Addr.String()
	}
	t.buf = appendText(t.buf, addr)
	t.buf = binary.BigEndian.AppendUint32(t.buf, v.ASN)
	t.buf = binary.BigEndian.AppendUint32(t.buf, v.LocalASN)
	t.buf = appendText(t.buf, v.Relationship.String())
	t.end(start)
	return n
}

// header begins a record, and gives where. The microseconds count as its body.
func (t *TapeWriter) header(typ, subtype uint16, at time.Time) int {
	start := len(t.buf)
	t.buf = binary.BigEndian.AppendUint32(t.buf, uint32(at.Unix()))
	t.buf = binary.BigEndian.AppendUint16(t.buf, typ)
	t.buf = binary.BigEndian.AppendUint16(t.buf, subtype)
	t.buf = append(t.buf, 0, 0, 0, 0) // the length, see end
	t.buf = binary.BigEndian.AppendUint32(t.buf, uint32(at.Nanosecond()/1000))
	return start
}

func (t *TapeWriter) note(kind noteKind, at time.Time) int {
	start := t.header(mrtTape, uint16(kind), at)
	t.buf = append(append(t.buf, tapeMagic...), tapeVersion)
	return start
}

// end completes the record that began at start.
func (t *TapeWriter) end(start int) {
	binary.BigEndian.PutUint32(t.buf[start+8:], uint32(len(t.buf)-start-mrtHeaderLen))
}

func (t *TapeWriter) write(start int) error {
	t.end(start)
	return t.flush()
}

func (t *TapeWriter) flush() error {
	b := t.buf
	t.buf = t.buf[:0]
	if cap(b) > 4*tapeChunk {
		t.buf = nil // a burst's memory is not kept
	}
	_, err := t.w.Write(b)
	return err
}

// peer writes who spoke: the neighbour's ASN and ours, its address, and none for ours.
func (t *TapeWriter) peer(v *bgp.Vantage) {
	addr := tapeAddr(v)
	t.buf = binary.BigEndian.AppendUint32(t.buf, v.ASN)
	t.buf = binary.BigEndian.AppendUint32(t.buf, v.LocalASN)
	t.buf = append(t.buf, 0, 0, 0, byte(addr.BitLen()/128+1)) // interface index and address family
	t.buf = append(t.buf, addr.AsSlice()...)
	t.buf = append(t.buf, make([]byte, addr.BitLen()/8)...)
}

// tapeAddr is a vantage's address as MRT can say it.
func tapeAddr(v *bgp.Vantage) netip.Addr {
	if !v.Addr.IsValid() {
		return netip.IPv4Unspecified()
	}
	return v.Addr.WithZone("")
}

func (t *TapeWriter) state(v *bgp.Vantage, at time.Time, up bool) {
	start := t.header(mrtBGP4MPET, subStateChangeAS4, at)
	t.peer(v)
	if up {
		t.buf = append(t.buf, 0, mrtOpenConfirm, 0, mrtEstablished)
	} else {
		t.buf = append(t.buf, 0, mrtEstablished, 0, mrtIdle)
	}
	t.end(start)
}

func (t *TapeWriter) message(v *bgp.Vantage, at time.Time, addPath bool, msg []byte) {
	sub := uint16(subMessageAS4)
	if addPath {
		sub = subAddPathAS4
	}
	start := t.header(mrtBGP4MPET, sub, at)
	t.peer(v)
	t.buf = append(t.buf, msg...)
	t.end(start)
}

// route writes the UPDATE of one route; without attributes it is withdrawn.
func (t *TapeWriter) route(v *bgp.Vantage, at time.Time, p netip.Prefix, pathID uint32, a *bgp.Attrs) error {
	msg := tapeUpdate(p, pathID, a)
	if len(msg) == 0 {
		return fmt.Errorf("%w: the attributes of %v at %s do not fit into an UPDATE: have that neighbour filter the route", ErrNoPlace, p, v.Name)
	}
	t.message(v, at, pathID != 0, msg)
	return nil
}

func tapeUpdate(p netip.Prefix, pathID uint32, a *bgp.Attrs) []byte {
	params := recordedParams(true, pathID != 0, mrtPeer{})
	routes := []wire.NLRI{{Prefix: p, PathID: pathID}}
	if a == nil {
		return wire.AppendUpdate(nil, params, nil, nil, routes)
	}
	return wire.AppendUpdate(nil, params, a, routes, nil)
}
