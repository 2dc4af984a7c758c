package join

import (
	"iter"
	"math"
	"net/netip"
	"slices"
	"time"

	"peervane/probe/stats"
)

// series is the latest batches of a flow, oldest first. There may be thousands of flows, so that a batch is kept in well under half
// of the room that its sample takes.
type series struct{ kept []packed }

// packed is a sample. What is rare in one is kept beside it.
type packed struct {
	started time.Time
	took    time.Duration
	rtts    []time.Duration
	source  string
	counts  [10]uint16 // in the order of counted
	rare    *rare
}

type rare struct {
	offender            netip.Addr
	firstLost, lastLost time.Time
}

// counted are the counts of a sample.
func counted(s *stats.Sample) [10]*int {
	return [...]*int{
		&s.Sent, &s.Received, &s.Late, &s.Refused, &s.Unreachable, &s.Lost, &s.LocalDrop, &s.Recovered, &s.Duplicate, &s.Foreign,
	}
}

func (s *series) len() int { return len(s.kept) }

// add keeps a batch, and forgets the oldest where there are too many.
func (s *series) add(x stats.Sample) {
	p := packed{started: x.Started, took: x.Ended.Sub(x.Started), rtts: x.RTTs, source: x.TSSource}
	for i, n := range counted(&x) {
		p.counts[i] = uint16(min(*n, math.MaxUint16))
	}
	if x.Offender.IsValid() || !x.FirstLost.IsZero() {
		p.rare = &rare{x.Offender, x.FirstLost, x.LastLost}
	}
	if len(s.kept) >= keep {
		s.kept = slices.Delete(s.kept, 0, len(s.kept)-keep+1)
	}
	if n := len(s.kept); n == cap(s.kept) { // as append does, but not beyond what is kept
		s.kept = append(make([]packed, 0, min(2*n+1, keep)), s.kept...)
	}
	s.kept = append(s.kept, p)
}

func (s *series) at(i int) (x stats.Sample) {
	s.unpack(i, &x)
	return x
}

func (s *series) unpack(i int, x *stats.Sample) {
	p := &s.kept[i]
	x.Started, x.Ended, x.RTTs, x.TSSource = p.started, p.started.Add(p.took), p.rtts, p.source
	for i, n := range counted(x) {
		*n = int(p.counts[i])
	}
	var r rare
	if p.rare != nil {
		r = *p.rare
	}
	x.Offender, x.FirstLost, x.LastLost = r.offender, r.firstLost, r.lastLost
}

// summary sums up the batches from the i-th on.
func (s *series) summary(i int) stats.Summary {
	var sum stats.Summing
	var x stats.Sample
	for ; i < len(s.kept); i++ {
		s.unpack(i, &x)
		sum.Add(&x)
	}
	return sum.Summary()
}

// last is the latest batch; there must be one.
func (s *series) last() stats.Sample { return s.at(len(s.kept) - 1) }

// lastStarted is when it began.
func (s *series) lastStarted() time.Time { return s.kept[len(s.kept)-1].started }

// from gives the batches from the i-th on.
func (s *series) from(i int) iter.Seq[stats.Sample] {
	return func(yield func(stats.Sample) bool) {
		for ; i < len(s.kept); i++ {
			if !yield(s.at(i)) {
				return
			}
		}
	}
}

// since is the place of the first batch that ended at a moment or later, as far as those behind it did, too.
func (s *series) since(at time.Time) int {
	first := len(s.kept)
	for first > 0 && !s.kept[first-1].started.Add(s.kept[first-1].took).Before(at) {
		first--
	}
	return first
}
