package source

import (
	"errors"
	"fmt"
	"time"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// mrtNote is a note of a tape.
type mrtNote struct {
	at   time.Time
	kind uint16
	body []byte // behind the microseconds
}

// tapeDeck is where the reading of a tape stands.
type tapeDeck struct {
	vantages map[uint32]*bgp.Vantage
	names    map[string]*bgp.Vantage // who has each; where the tape begins anew, those of whom the same is said are the same
	next     uint32
	about    *noted // what the record says more of that follows
	before   int    // configurations before the one that was in force when it began
	all      []bgp.Registered
	standing []*bgp.Standing
	stood    bool
	ended    bool
}

func newTapeDeck(names map[string]*bgp.Vantage) *tapeDeck {
	return &tapeDeck{vantages: map[uint32]*bgp.Vantage{}, names: names}
}

// noted is a note that waits for its record.
type noted struct {
	kind     noteKind
	vantage  *bgp.Vantage
	in       bgp.Input
	standing *bgp.Standing // of noteStanding and noteHeld
	hopless  bool
}

// note takes in a note. From the first on, the file is a tape.
func (r *recorder) note(n *mrtNote) error {
	if r.vantages.feed != "" {
		return nil // it tells of the sessions of a daemon, which are none of ours: to a feed they are peers of a collector
	}
	if err := r.claimTape(); err != nil {
		return err
	}
	if r.deck == nil {
		r.deck = newTapeDeck(map[string]*bgp.Vantage{})
	}
	waits := r.deck.about
	r.deck.about = nil
	if err := r.readNote(n); err != nil {
		return err
	}
	if waits != nil {
		return errNoteAlone
	}
	return nil
}

// errSeveral is told of what cannot be judged together: the same name may be another session's in each, and what left between the end of one and the
// beginning of the next is told by none.
var errSeveral = errors.New("replay them one by one")

// claimTape makes the file the tape of the replay, of which there is one.
func (r *recorder) claimTape() error {
	switch {
	case r.tape == nil:
		r.tape = r
	case r.tape != r:
		return fmt.Errorf("%s and %s are both recordings of peervane record: %w", r.tape.file, r.file, errSeveral)
	case r.deck != nil && r.deck.ended:
		return fmt.Errorf("%s holds several recordings of peervane record: %w", r.file, errSeveral)
	}
	return nil
}

// errNoteAlone is told at the note after it, which stands.
const errNoteAlone = malformed("the record is missing that belongs to the note before this one")

func (r *recorder) readNote(n *mrtNote) error {
	c := noteCursor{cursor: cursor{b: n.body[len(tapeMagic):]}}
	if version := c.uint8(); version != tapeVersion {
		return malformed(fmt.Sprintf("note of version %d, this peervane knows %d: read it with the one that wrote it", version, tapeVersion))
	}
	kind := noteKind(n.kind)
	if kind == 0 || kind >= noteKinds {
		return malformed(fmt.Sprintf("note of the unknown kind %d: read it with the peervane that wrote it", kind))
	}
	switch kind {
	case noteBegun, noteRegistered, noteStood, noteEnded:
		return r.readOfAll(kind, n.at, &c)
	case noteVantage:
		return r.deck.introduce(&c)
	}
	return r.readOf(kind, n.at, &c)
}

// readOfAll reads a note that is about no single vantage.
func (r *recorder) readOfAll(kind noteKind, at time.Time, c *noteCursor) error {
	begun, why := newTapeDeck(r.deck.names), ""
	var some bgp.Registered
	switch kind {
	case noteBegun:
		c.text() // where it was made, and by which version, is for people
		c.text()
		begun.before = c.number()
	case noteRegistered:
		some = c.registered()
	case noteEnded:
		why = c.text()
	}
	if err := c.end(); err != nil {
		return err
	}
	switch kind {
	case noteBegun:
		r.deck = begun
	case noteRegistered:
		if r.deck.stood {
			return errMisplaced
		}
		r.deck.all = append(r.deck.all, some)
	case noteStood:
		return r.tellStood(at)
	case noteEnded:
		r.deck.ended = true
		if why != "" {
			r.report(fmt.Errorf("%s: the recording ends early: %s", r.file, why))
		}
	}
	return nil
}

// introduce gives a vantage its number: they are given one after the other.
func (d *tapeDeck) introduce(c *noteCursor) error {
	number, v := c.uint32(), c.vantage()
	if err := c.end(); err != nil {
		return err
	}
	if number != d.next {
		return malformed(fmt.Sprintf("vantage number %d, where %d is the next", number, d.next))
	}
	d.next++
	have := d.names[v.Name]
	switch {
	case have != nil && !d.stood && *have == *v: // told again
		v = have
	case have != nil && (!have.Own() || !v.Own()): // of our own sessions, one takes the place of another
		return malformed(fmt.Sprintf("vantage %q, whose name another one has", v.Name))
	}
	d.names[v.Name], d.vantages[number] = v, v
	return nil
}

// readOf reads a note about a vantage.
func (r *recorder) readOf(kind noteKind, at time.Time, c *noteCursor) error {
	number := c.uint32()
	v := r.deck.vantages[number]
	if v != nil && r.deck.names[v.Name] != v {
		v = nil // another one took its place
	}
	if v == nil && !c.short {
		return malformed(fmt.Sprintf("note about vantage number %d, which nobody has", number))
	}
	about := &noted{kind: kind, vantage: v}
	switch kind {
	case noteStanding:
		about.standing = c.standing(v)
		about.standing.At = at
	case noteHeld:
		about.standing, about.hopless = r.deck.standingOf(v), c.bools(1)[0]
	case noteChange:
		about.in, about.hopless = c.change(v)
	default:
		about.in = c.readInput(kind, v)
	}
	if err := c.end(); err != nil {
		return err
	}
	switch kind {
	case noteStanding, noteHeld:
		if r.deck.stood || kind == noteHeld && about.standing == nil {
			return errMisplaced
		}
	case noteUp, noteDown, noteChange, noteEndOfRIB:
	default:
		return r.tellNoted(about.in, at, number)
	}
	r.deck.about = about
	return nil
}

const errMisplaced = malformed("note about what stood in the wrong place")

// standingOf is that of the vantage whose routes are being read.
func (d *tapeDeck) standingOf(v *bgp.Vantage) *bgp.Standing {
	if n := len(d.standing); n > 0 && d.standing[n-1].Vantage == v {
		return d.standing[n-1]
	}
	return nil
}

// tellNoted tells what has no record of its own.
func (r *recorder) tellNoted(in bgp.Input, at time.Time, number uint32) error {
	switch in := in.(type) {
	case bgp.StaleLost:
		in.At = at
		return r.put(in)
	case bgp.Gone:
		in.At = at
		delete(r.deck.vantages, number)
		if v := in.Vantage; r.deck.names[v.Name] == v {
			delete(r.deck.names, v.Name)
		}
		return r.put(in)
	case bgp.Awaited:
		in.At = at
		return r.put(in)
	case bgp.LimitExceeded:
		in.At = at
		return r.put(in)
	case bgp.TableDropped:
		in.At = at
		return r.put(in)
	case bgp.LeakedTable:
		in.At = at
		return r.put(in)
	}
	return nil
}

// tellStood tells how all vantages stood.
func (r *recorder) tellStood(at time.Time) error {
	if r.deck.stood {
		return malformed("what stood was told before")
	}
	list := r.deck.standing
	r.deck.stood, r.deck.standing = true, nil
	if r.opts.Registered != nil {
		if err := r.opts.Registered(at, r.deck.before, r.deck.all); err != nil {
			return err
		}
	}
	r.deck.all = nil
	for i, s := range list {
		s.More = i < len(list)-1
		if err := r.put(*s); err != nil {
			return err
		}
	}
	return nil
}

// take gives the note that a record belongs to.
func (d *tapeDeck) take(peer mrtPeer, kinds ...noteKind) (*noted, error) {
	n := d.about
	d.about = nil
	if n == nil {
		return nil, malformed("the note is missing that says whose record this is")
	}
	for _, k := range kinds {
		if n.kind == k && peer == (mrtPeer{tapeAddr(n.vantage), n.vantage.ASN}) {
			return n, nil
		}
	}
	return nil, malformed("the note before belongs to another record")
}

// tapeState takes in the state change that a note says more of.
func (r *recorder) tapeState(s *mrtState) error {
	r.stats.States++
	n, err := r.deck.take(s.peer, noteStanding, noteUp, noteDown)
	if err != nil {
		return err
	}
	up := n.kind == noteUp || n.kind == noteStanding && n.standing.Up
	if up != (s.to == mrtEstablished) {
		return malformed(fmt.Sprintf("session state %d is not what the note before says", s.to))
	}
	switch in := n.in.(type) {
	case bgp.SessionUp:
		in.At = s.at
		return r.put(in)
	case bgp.SessionDown:
		in.At = s.at
		return r.put(in)
	}
	r.deck.standing = append(r.deck.standing, n.standing)
	return nil
}

// tapeMessage takes in the UPDATE that a note says more of.
func (r *recorder) tapeMessage(m *mrtMessage) error {
	n, err := r.deck.take(m.peer, noteHeld, noteChange, noteEndOfRIB)
	if err != nil {
		return err
	}
	if m.update == nil || m.local {
		return malformed("the note before belongs to an UPDATE that was received")
	}
	if end, ok := n.in.(bgp.EndOfRIB); ok {
		if f, ok := r.scanEndOfRIB(m); !ok || f != end.Family {
			return malformed("the note before belongs to an End-of-RIB marker")
		}
		end.At = m.at
		return r.put(end)
	}
	route, err := scanRoute(&r.scanned, m.update, m.addPath)
	if err != nil {
		return err
	}
	r.stats.Faults.add(&r.scanned)
	if n.hopless {
		route.dropHop()
	}
	route.Since = m.at
	if n.standing != nil {
		r.stats.Routes++
		if r.concerns(route) {
			n.standing.Held = append(n.standing.Held, route.Held)
		}
		return nil
	}
	return r.tapeChange(n.in.(bgp.Change), route)
}

func (r *recorder) scanEndOfRIB(m *mrtMessage) (bgp.Family, bool) {
	if recordedParams(m.as4, m.addPath, m.peer).Scan(m.update, &r.scanned) == wire.SessionReset {
		return 0, false
	}
	return r.scanned.EndOfRIB()
}

func (r *recorder) tapeChange(c bgp.Change, route tapeRoute) error {
	switch {
	case route.Attrs != nil && c.Announced == 0, route.Attrs == nil && c.Withdrawn == 0:
		return malformed("the counts of the note before are not those of this UPDATE")
	case c.PathChanges > c.Announced:
		return malformed("the note before counts more changes of the path than announcements")
	}
	r.stats.Announced += int(c.Announced)
	r.stats.Withdrawn += int(c.Withdrawn)
	if !r.concerns(route) {
		return nil
	}
	c.Prefix, c.PathID, c.Attrs, c.At = route.Prefix, route.PathID, route.Attrs, route.Since
	return r.put(c)
}

// concerns says whether a route is told. Of one that is gone it is not known whether it was watched for its path.
func (r *recorder) concerns(route tapeRoute) bool {
	if r.watches(route.Prefix) {
		return true
	}
	return r.opts.Watched.ByPath() && (route.Attrs == nil || r.opts.Watched.MatchPath(route.Attrs.Path))
}

// endDeck says of a tape what is missing at its end.
func (r *recorder) endDeck() {
	switch d := r.deck; {
	case d == nil || d.ended:
	case !d.stood:
		r.report(fmt.Errorf("%s: the recording was broken off before all was told that stood when it began: nothing of it was judged", r.file))
	default:
		r.report(fmt.Errorf("%s: the recording was broken off here, it has no end of its own", r.file))
	}
}
