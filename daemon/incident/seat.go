package incident

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"peervane/daemon/notice"
)

// seat is how a member was counted.
type seat struct {
	grave  notice.Severity
	held   string // why nothing is told of it
	crowds []*crowd

	connection  string
	connections []string
	labels      map[string]string
}

func seatOf(rec *Record) seat {
	n := &rec.Notice
	return seat{grave: n.Severity, held: rec.Held, connection: n.Connection, connections: rec.Connections, labels: n.Labels}
}

// as says whether a member is to be counted as another: by how grave it is, by what is told of it, and by whom it concerns,
// which a reload may change.
func (s *seat) as(old *seat) bool {
	return old.grave == s.grave && old.held == s.held && old.connection == s.connection &&
		slices.Equal(old.connections, s.connections) && maps.Equal(old.labels, s.labels)
}

// crowd is an audience, and how many members have it.
type crowd struct {
	notice.Audience
	key     string
	members int
	alone   []*crowd // this one: what members hold that have no other
}

func audienceKey(a notice.Audience) string {
	key := a.Severity.String() + "\x00" + a.Connection + "\x00"
	if len(a.Labels) == 0 {
		return key
	}
	return key + fmt.Sprint(a.Labels)
}

// seat counts a member as it is now.
func (g *group) seat(rec *Record) {
	s := seatOf(rec)
	if g.seats[rec.ID()] != nil && s.as(&rec.seat) {
		return
	}
	g.rise(rec.ID())
	g.shares(rec)
	g.grave[s.grave]++
	g.held[s.held]++
	if s.held == "" {
		g.graveTold[s.grave]++
		s.crowds = g.crowdsOf(rec)
	}
	g.seats[rec.ID()], rec.seat = rec, s
}

// crowdsOf counts a member among its audiences.
func (g *group) crowdsOf(rec *Record) []*crowd {
	ways := rec.ways()
	if len(ways) == 1 {
		return g.among(ways[0]).alone
	}
	out := make([]*crowd, 0, len(ways))
	for _, a := range ways {
		out = append(out, g.among(a))
	}
	return out
}

// among counts a member among an audience.
func (g *group) among(a notice.Audience) *crowd {
	key := audienceKey(a)
	c := g.audiences[key]
	if c == nil {
		c = &crowd{Audience: a, key: key}
		c.alone = []*crowd{c}
		g.audiences[key] = c
		if !g.rec.Owed.Audience && g.newTo(key) {
			g.rec.Owed.Audience, g.unkept = true, true
		}
	}
	c.members++
	return c
}

// hear keeps whom it was told to.
func (g *group) hear() {
	for key := range g.audiences {
		g.heard[key] = time.Time{}
	}
}

// newTo says whether it is news to an audience that it is concerned: not while what concerns it comes and goes.
func (g *group) newTo(key string) bool {
	gone, heard := g.heard[key]
	if !heard || !gone.IsZero() && g.now.Sub(gone) >= restInterval && !g.rec.Flapping {
		return true
	}
	g.heard[key] = time.Time{}
	return false
}

// shares leaves a group what it has in common with a member.
func (g *group) shares(rec *Record) {
	n := &g.rec.Notice
	if n.Connection != rec.Notice.Connection {
		n.Connection = ""
	}
	n.Labels = common(n.Labels, rec.Notice.Labels)
}

// ways are the audiences of a member.
func (r *Record) ways() []notice.Audience {
	if several := r.audiences(); len(several) > 0 {
		return several
	}
	return []notice.Audience{{Severity: r.Notice.Severity, Connection: r.Notice.Connection, Labels: r.Notice.Labels}}
}

// rise takes a member's count back.
func (g *group) rise(id string) {
	rec := g.seats[id]
	if rec == nil {
		return
	}
	s := rec.seat
	rec.seat = seat{}
	delete(g.seats, id)
	g.grave[s.grave]--
	if s.held == "" {
		g.graveTold[s.grave]--
	}
	if g.held[s.held]--; g.held[s.held] == 0 {
		delete(g.held, s.held)
	}
	for _, c := range s.crowds {
		if c.members--; c.members > 0 {
			continue
		}
		delete(g.audiences, c.key)
		if _, heard := g.heard[c.key]; heard {
			g.heard[c.key] = g.now
		}
	}
}
