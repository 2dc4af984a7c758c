package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"time"
)

// Dump prints every element of the files to w, one a line, in the form of bgpdump -m: what was announced (A),
// withdrawn (W), in a RIB dump (B), and the session states (STATE). File follows file. It calls report for each bad
// record, which is left out; its error joins what ended files before their end, after everything else was printed. Where
// there were bad records and nothing else, that is an error, too.
func Dump(ctx context.Context, w io.Writer, names []string, report func(error)) error {
	d := &dumper{w: w, ctx: ctx}
	var errs []error
	bad := 0
	for _, name := range names {
		err := d.dumpFile(name, func(err error) {
			bad++
			report(err)
		})
		if d.err != nil {
			return d.err
		}
		errs = append(errs, err)
	}
	errs = append(errs, d.flush())
	if bad > 0 && !d.wrote && d.err == nil {
		errs = append(errs, fmt.Errorf("nothing could be read: bad records: %d", bad))
	}
	return errors.Join(errs...)
}

// dumper prints lines into a buffer.
type dumper struct {
	ctx   context.Context
	w     io.Writer
	out   []byte
	wrote bool
	err   error // of w or ctx: it ends everything
	head  []byte
	attrs dumpAttrs
	text  dumpedAttrs
}

// dumpedAttrs are the columns that all routes of an UPDATE share.
type dumpedAttrs struct {
	path []byte // "|AS path|origin|"
	tail []byte // "|local preference|MED|communities|AG or NAG|aggregator|\n"
}

const dumpBuffer = 64 << 10

func (d *dumper) dumpFile(name string, report func(error)) error {
	f, err := openFile(name)
	if err != nil {
		return err
	}
	defer f.Close()
	in := formatOf(f)
	return readAll(in, func() error { return in.print(d) }, report, d.ignored)
}

// end finishes a line.
func (d *dumper) end() error {
	d.out = append(d.out, '\n')
	return d.flushIfFull()
}

func (d *dumper) flushIfFull() error {
	if len(d.out) < dumpBuffer {
		return nil
	}
	return d.flush()
}

func (d *dumper) flush() error {
	if d.err == nil {
		d.err = d.ctx.Err()
	}
	if d.err == nil && len(d.out) > 0 {
		_, d.err = d.w.Write(d.out)
		d.wrote = true
		d.out = d.out[:0]
	}
	return d.err
}

// begin sets what begins each line of a record: format, time, kind and peer.
func (d *dumper) begin(format string, at time.Time, micro bool, kind string, peer mrtPeer) {
	b := append(append(d.head[:0], format...), '|')
	b = strconv.AppendInt(b, at.Unix(), 10)
	if micro {
		b = appendMicroseconds(append(b, '.'), at)
	}
	b = append(append(append(b, '|'), kind...), '|')
	b = append(appendAddr(b, peer.addr), '|')
	d.head = append(strconv.AppendUint(b, uint64(peer.asn), 10), '|')
}

func appendMicroseconds(b []byte, at time.Time) []byte {
	var digits [6]byte
	rest := at.Nanosecond() / 1000
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + rest%10)
		rest /= 10
	}
	return append(b, digits[:]...)
}

func (d *dumper) state(s *mrtState) error {
	format := "BGP4MP"
	if s.old {
		format = "BGP"
	} else if s.et {
		format = "BGP4MP_ET"
	}
	d.begin(format, s.at, s.et, "STATE", s.peer)
	d.out = append(d.out, d.head...)
	d.out = append(strconv.AppendUint(d.out, uint64(s.from), 10), '|')
	d.out = strconv.AppendUint(d.out, uint64(s.to), 10)
	return d.end()
}

func (d *dumper) peerIndex(*mrtPeerIndex) error { return nil }
func (d *dumper) note(*mrtNote) error           { return nil }
func (d *dumper) ignored(string)                {}

func (m *mrtMessage) format() string {
	name := "BGP4MP"
	if m.old {
		return "BGP"
	}
	if m.et {
		name = "BGP4MP_ET"
	}
	if m.local {
		name += "_LOCAL"
	}
	if m.addPath {
		name += "_AP"
	}
	return name
}

func (d *dumper) message(m *mrtMessage) error {
	if m.update == nil {
		return nil
	}
	attrs, fields, err := splitUpdate(m)
	if err != nil {
		return err
	}
	d.attrs = attrs
	if err := d.withdrawals(m, fields.withdrawn); err != nil {
		return err
	}
	return d.announcements(m, fields.announced)
}

// ipv4Fields are the two lists of prefixes of an UPDATE that stand outside of its attributes.
type ipv4Fields struct{ withdrawn, announced []byte }

func splitUpdate(m *mrtMessage) (attrs dumpAttrs, fields ipv4Fields, err error) {
	c := cursor{b: m.update}
	fields.withdrawn = c.take(int(c.uint16()))
	block := c.take(int(c.uint16()))
	if c.short {
		return attrs, fields, malformed("the fields of the UPDATE are longer than itself")
	}
	fields.announced = c.b
	attrs.parse(block, m.as4)
	return attrs, fields, nil
}

func (d *dumper) withdrawals(m *mrtMessage, nlri []byte) error {
	d.begin(m.format(), m.at, m.et, "W", m.peer)
	line := func(p netip.Prefix, pathID uint32) error {
		d.out = appendPrefix(append(d.out, d.head...), p)
		if m.addPath {
			d.out = strconv.AppendUint(append(d.out, '|'), uint64(pathID), 10)
		}
		return d.end()
	}
	if err := eachPrefix(nlri, false, m.addPath, line); err != nil {
		return err
	}
	if m.old || !d.attrs.unreach.present {
		return nil
	}
	return eachPrefix(d.attrs.unreach.nlri, d.attrs.unreach.v6, m.addPath, line)
}

func (d *dumper) announcements(m *mrtMessage, nlri []byte) error {
	reach := &d.attrs.reach
	if m.old {
		reach.present = false
	}
	if len(nlri) == 0 && !reach.present {
		return nil
	}
	d.begin(m.format(), m.at, m.et, "A", m.peer)
	d.render(m.old)
	nextHop := d.attrs.nextHop
	line := func(p netip.Prefix, pathID uint32) error { return d.announced(p, m.addPath, pathID, nextHop) }
	if err := eachPrefix(nlri, false, m.addPath, line); err != nil || !reach.present {
		return err
	}
	nextHop = reach.nextHop
	return eachPrefix(reach.nlri, reach.v6, m.addPath, line)
}

// render prints the attributes that a record's routes share.
func (d *dumper) render(old bool) {
	a := &d.attrs
	b := a.appendPath(append(d.text.path[:0], '|'))
	d.text.path = append(a.appendOrigin(append(b, '|')), '|')

	b = strconv.AppendUint(append(d.text.tail[:0], '|'), uint64(a.localPref), 10)
	b = strconv.AppendUint(append(b, '|'), uint64(a.med), 10)
	b = append(appendCommunities(append(b, '|'), a.communities), '|')
	if old && len(a.communities) == 0 {
		b = b[:len(b)-1] // in the old format the column is missing where there are none
	}
	if !a.atomic {
		b = append(b, 'N')
	}
	b = append(b, "AG|"...)
	d.text.tail = append(a.appendAggregator(b), "|\n"...)
}

// route prints one entry of a RIB dump.
func (d *dumper) route(e *mrtRoute) error {
	format := "TABLE_DUMP2"
	if e.v1 {
		format = "TABLE_DUMP"
	} else if e.addPath {
		format = "TABLE_DUMP2_AP"
	}
	d.begin(format, e.at, false, "B", e.peer)
	d.attrs.parse(e.attrs, e.as4)
	d.render(false)
	nextHop := d.attrs.nextHop
	if d.attrs.reach.present {
		nextHop = d.attrs.reach.nextHop
	}
	return d.announced(e.prefix, e.addPath, e.pathID, nextHop)
}

// announced prints one route with the attributes that were rendered.
func (d *dumper) announced(p netip.Prefix, addPath bool, pathID uint32, nextHop netip.Addr) error {
	d.line(p, addPath, pathID, nextHop)
	return d.flushIfFull()
}

// eachPrefix walks NLRI. What is cut short at its end is malformed; what was whole has been told.
func eachPrefix(nlri []byte, v6, addPath bool, tell func(netip.Prefix, uint32) error) error {
	c := cursor{b: nlri}
	for len(c.b) > 0 {
		pathID := uint32(0)
		if addPath {
			pathID = c.uint32()
		}
		p, ok := c.prefix(v6)
		if !ok {
			return malformed("NLRI is cut short, or a prefix too long")
		}
		if err := tell(p, pathID); err != nil {
			return err
		}
	}
	return nil
}
