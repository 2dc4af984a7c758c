package source

import (
	"encoding/binary"

	"peervane/bgp"
)

// noteOf gives the kind of note that tells an input, and what writes its fields behind the vantage's number; 0 where there is none.
func noteOf(in bgp.Input) (noteKind, func([]byte) []byte) {
	switch in := in.(type) {
	case bgp.Change:
		return noteChange, func(b []byte) []byte { return appendChange(b, &in) }
	case bgp.SessionUp:
		return noteUp, func(b []byte) []byte {
			b = appendFamilies(b, in.Families)
			b = appendBools(b, in.AddPath[:]...)
			return appendBools(b, in.EndOfRIBDue, in.Recorded)
		}
	case bgp.SessionDown:
		return noteDown, func(b []byte) []byte { return appendText(appendFamilies(b, in.Kept), in.Reason) }
	case bgp.StaleLost:
		return noteStaleLost, func(b []byte) []byte { return append(b, byte(in.Family)) }
	case bgp.EndOfRIB:
		return noteEndOfRIB, func(b []byte) []byte { return append(b, byte(in.Family)) }
	case bgp.Gone:
		return noteGone, func(b []byte) []byte { return b }
	case bgp.Awaited:
		return noteAwaited, func(b []byte) []byte { return appendBools(b, in.Active, in.Dynamic) }
	case bgp.LimitExceeded:
		return noteLimit, func(b []byte) []byte {
			return appendNumber(appendNumber(appendBools(b, in.Exceeded), in.Prefixes), in.Limit)
		}
	case bgp.TableDropped:
		return noteDropped, func(b []byte) []byte {
			b = appendBools(append(b, byte(in.Family)), in.Dropped)
			return appendNumber(appendNumber(b, in.Before), in.Routes)
		}
	case bgp.LeakedTable:
		return noteLeaked, func(b []byte) []byte { return appendLeaked(b, &in) }
	}
	return 0, nil
}

func appendChange(b []byte, c *bgp.Change) []byte {
	b = append(b, byte(c.Cause))
	b = appendTime(appendBools(b, hopless(c.Attrs)), c.First)
	b = binary.BigEndian.AppendUint32(b, c.Announced)
	b = binary.BigEndian.AppendUint32(b, c.Withdrawn)
	return binary.BigEndian.AppendUint32(b, c.PathChanges)
}

func appendLeaked(b []byte, l *bgp.LeakedTable) []byte {
	b = appendBools(b, l.Exceeded)
	for _, n := range [...]int{l.Routes, l.Leakers, l.By, l.Leak.Type} {
		b = appendNumber(b, n)
	}
	b = binary.BigEndian.AppendUint32(b, l.Leak.Leaker)
	b = appendText(b, l.Leak.Turn)
	for _, list := range [][]string{l.Leak.Methods, l.Leak.Reasons} {
		list = list[:min(len(list), maxTexts)]
		b = append(b, byte(len(list)))
		for _, s := range list {
			b = appendText(b, s)
		}
	}
	count := len(b)
	b = append(b, 0)
	for _, e := range l.Examples[:min(len(l.Examples), maxTexts)] {
		msg := tapeUpdate(e.Prefix, e.PathID, e.Attrs)
		if len(msg) == 0 {
			continue // does not fit, see TapeWriter.route; it is an example
		}
		b[count]++
		b = appendBools(b, hopless(e.Attrs), e.PathID != 0)
		b = appendTime(b, e.Since)
		b = appendText(b, string(msg))
	}
	return b
}

// maxTexts is how many items a list has at most.
const maxTexts = 255

// readInput reads the fields behind the vantage's number of a note that tells an input. What stands in a record of its own is not
// in it yet.
func (c *noteCursor) readInput(kind noteKind, v *bgp.Vantage) bgp.Input {
	switch kind {
	case noteUp:
		up := bgp.SessionUp{Vantage: v, Families: c.families()}
		addPath := c.bools(bgp.NumFamilies)
		copy(up.AddPath[:], addPath[:])
		flags := c.bools(2)
		up.EndOfRIBDue, up.Recorded = flags[0], flags[1]
		return up
	case noteDown:
		return bgp.SessionDown{Vantage: v, Kept: c.families(), Reason: c.text()}
	case noteStaleLost:
		return bgp.StaleLost{Vantage: v, Family: c.family()}
	case noteEndOfRIB:
		return bgp.EndOfRIB{Vantage: v, Family: c.family()}
	case noteGone:
		return bgp.Gone{Vantage: v}
	case noteAwaited:
		flags := c.bools(2)
		return bgp.Awaited{Vantage: v, Active: flags[0], Dynamic: flags[1]}
	case noteLimit:
		return bgp.LimitExceeded{Vantage: v, Exceeded: c.bools(1)[0], Prefixes: c.number(), Limit: c.number()}
	case noteDropped:
		return bgp.TableDropped{Vantage: v, Family: c.family(), Dropped: c.bools(1)[0], Before: c.number(), Routes: c.number()}
	case noteLeaked:
		return c.leaked(v)
	}
	return nil
}

// change reads a noteChange.
func (c *noteCursor) change(v *bgp.Vantage) (in bgp.Change, hopless bool) {
	cause := c.uint8()
	if cause > uint8(bgp.Swept) {
		c.fail("a cause %d of a change", cause)
	}
	hopless = c.bools(1)[0]
	in = bgp.Change{Vantage: v, Cause: bgp.Cause(cause), First: c.time()}
	in.Announced, in.Withdrawn, in.PathChanges = c.uint32(), c.uint32(), c.uint32()
	return in, hopless
}

func (c *noteCursor) leaked(v *bgp.Vantage) bgp.LeakedTable {
	l := bgp.LeakedTable{Vantage: v, Exceeded: c.bools(1)[0], Routes: c.number(), Leakers: c.number(), By: c.number()}
	l.Leak = bgp.Leak{Type: c.number(), Leaker: c.uint32(), Turn: c.text()}
	l.Leak.Methods, l.Leak.Reasons = c.texts(), c.texts()
	for range c.uint8() {
		flags, since := c.bools(2), c.time()
		route, err := readRoute([]byte(c.text()), flags[1])
		if err != nil || route.Attrs == nil {
			c.fail("an example that is no route")
			break
		}
		if flags[0] {
			route.dropHop()
		}
		l.Examples = append(l.Examples, bgp.Seen{Vantage: v, Prefix: route.Prefix, PathID: route.PathID, Attrs: route.Attrs, Since: since})
	}
	return l
}

func (c *noteCursor) texts() (list []string) {
	for range c.uint8() {
		list = append(list, c.text())
	}
	return list
}

func (c *noteCursor) vantage() *bgp.Vantage {
	v := &bgp.Vantage{Name: c.text(), Collector: c.text(), Addr: c.address(), ASN: c.uint32(), LocalASN: c.uint32(), Relived: true}
	relationship, err := bgp.ParseRelationship(c.text())
	if err != nil {
		c.fail("an %v", err)
	}
	v.Relationship = relationship
	if v.Name == "" {
		c.fail("a vantage without a name")
	}
	return v
}

func (c *noteCursor) standing(v *bgp.Vantage) *bgp.Standing {
	flags := c.bools(6)
	s := &bgp.Standing{
		Vantage: v, Active: flags[0], Dynamic: flags[1], Up: flags[2], WasUp: flags[3], EndOfRIBDue: flags[4], Recorded: flags[5],
		Since: c.time(), Reason: c.text(),
	}
	for i := range s.Families {
		flags := c.bools(4)
		s.Families[i] = bgp.StandingFamily{Spoken: flags[0], Synced: flags[1], AddPath: flags[2], Kept: flags[3], Since: c.time(), Whole: c.number()}
	}
	return s
}

func (c *noteCursor) registered() (r bgp.Registered) {
	r.Born = c.number()
	for range c.uint16() {
		f := c.family()
		p, ok := c.prefix(f == bgp.IPv6)
		if !ok {
			c.fail("a prefix that is none")
			break
		}
		r.Prefixes = append(r.Prefixes, p)
	}
	return r
}
