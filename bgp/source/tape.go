package source

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"time"

	"peervane/bgp"
)

// A tape is what `peervane record` writes: what the engine took in from its vantages, as MRT.
//
// Routes and session states are ordinary records, BGP4MP_ET with the subtypes MESSAGE_AS4, MESSAGE_AS4_ADDPATH and
// STATE_CHANGE_AS4, so that every reader of MRT reads them. What MRT has no place for stands in notes: records of a type
// far beyond those that are assigned (RFC 6396 section 5.1), which other readers skip. The subtype says what kind of
// note it is. A note that says more of a route or state comes right before its record.
//
// The body of a note: microseconds as in the _ET types, "pvtp", the version of its layout, then its fields. Numbers are in
// network byte order; a time is 64 bits of microseconds since 1970, a text its length in 16 bits and its bytes, a list
// its length in 16 bits or less and its items. Nothing may be left over.
//
// A tape begins with begun, what is registered, and the vantages that were known, each with standing and what it held, then stood. After
// that come the inputs as the engine took them in, and at the end, where it ended in order, ended. Where what is registered changed,
// it begins anew: all is told as it stands then, and goes on from there.
const (
	mrtTape     = 65520
	tapeMagic   = "pvtp"
	tapeVersion = 1
)

// noteKind is the subtype of a note.
type noteKind uint16

const (
	noteBegun    noteKind = iota + 1 // the recording begins
	noteVantage                      // a number for a vantage, from 0 on
	noteStanding                     // how it stood; a state change follows, then what it held
	noteHeld                         // the route that follows was held, or its absence known
	noteStood                        // all that stood was told
	noteAwaited
	noteUp       // a state change follows
	noteDown     // likewise
	noteChange   // an UPDATE follows
	noteEndOfRIB // an End-of-RIB marker follows
	noteStaleLost
	noteGone
	noteLimit
	noteDropped
	noteLeaked
	noteEnded      // the recording ends in order
	noteRegistered // prefixes that the vantages told all of
	noteKinds
)

// noTime stands for the zero time.
const noTime = math.MinInt64

func appendTime(b []byte, t time.Time) []byte {
	at := int64(noTime)
	if !t.IsZero() {
		at = t.UnixMicro()
	}
	return binary.BigEndian.AppendUint64(b, uint64(at))
}

func appendText(b []byte, s string) []byte {
	s = s[:min(len(s), math.MaxUint16)]
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func appendBools(b []byte, bits ...bool) []byte {
	var all byte
	for i, on := range bits {
		if on {
			all |= 1 << i
		}
	}
	return append(b, all)
}

// appendNumber writes a count; one that does not fit is as good as the most that does.
func appendNumber(b []byte, n int) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(max(n, 0)))
}

// appendFamilies writes a set of families.
func appendFamilies(b []byte, families []bgp.Family) []byte {
	var has [bgp.NumFamilies]bool
	for _, f := range families {
		has[f] = true
	}
	return appendBools(b, has[:]...)
}

// noteCursor reads the fields of a note, and remembers what was wrong with one.
type noteCursor struct {
	cursor
	wrong string
}

func (c *noteCursor) fail(format string, args ...any) {
	if c.wrong == "" {
		c.wrong = fmt.Sprintf(format, args...)
	}
}

// end says what is wrong with the note once all of it was read.
func (c *noteCursor) end() error {
	switch {
	case c.short:
		return malformed("note is cut short")
	case c.wrong != "":
		return malformed("note with " + c.wrong)
	case len(c.b) > 0:
		return malformed(fmt.Sprintf("note with %d octets left over", len(c.b)))
	}
	return nil
}

func (c *noteCursor) uint64() uint64 {
	if b := c.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (c *noteCursor) time() time.Time {
	at := int64(c.uint64())
	if at == noTime {
		return time.Time{}
	}
	if year := time.UnixMicro(at).UTC().Year(); year < 1970 || year > 2105 { // what the 32 bits of a record's own time can tell
		c.fail("a time in the year %d", year)
		return time.Time{}
	}
	return time.UnixMicro(at).UTC()
}

func (c *noteCursor) text() string { return string(c.take(int(c.uint16()))) }

// bools reads n bits, and lets no other be set.
func (c *noteCursor) bools(n int) (bits [8]bool) {
	all := c.uint8()
	if all>>n != 0 {
		c.fail("flags %#x, of which %d are known", all, n)
	}
	for i := range n {
		bits[i] = all&(1<<i) != 0
	}
	return bits
}

func (c *noteCursor) number() int {
	n := c.uint64()
	if n > math.MaxInt32 {
		c.fail("a count of %d", n)
		return 0
	}
	return int(n)
}

func (c *noteCursor) families() (list []bgp.Family) {
	bits := c.bools(bgp.NumFamilies)
	for _, f := range bgp.Families {
		if bits[f] {
			list = append(list, f)
		}
	}
	return list
}

func (c *noteCursor) family() bgp.Family {
	f := c.uint8()
	if f >= bgp.NumFamilies {
		c.fail("an address family %d", f)
		return 0
	}
	return bgp.Family(f)
}

// address reads one as text, which keeps its zone; an empty one is none.
func (c *noteCursor) address() netip.Addr {
	text := c.text()
	if text == "" {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		c.fail("an address %q", text)
	}
	return a
}
