package incident

import (
	"maps"
	"math"
	"time"

	"peervane/daemon/notice"
)

// Flap damping: each time that an incident fires and each time that its condition goes counts one, and half of the sum is
// forgotten every 15 minutes. Over 4 it is told once that it flaps; from then on it stays open under one id, whatever its
// condition does, until the sum is under 2. Then it ends, if its condition is gone, or goes on as any other.
const (
	flapHalfLife = 15 * time.Minute
	flapSuppress = 4
	flapReuse    = 2
	flapForgets  = 0.5 // what is under it is not remembered
)

// Flaps is the sum of transitions, as it was at a time.
type Flaps struct {
	Penalty float64   `json:"penalty"`
	At      time.Time `json:"at"`
}

func (f Flaps) now(now time.Time) float64 {
	return f.Penalty * math.Exp2(-float64(max(0, now.Sub(f.At)))/float64(flapHalfLife))
}

func (f *Flaps) count(now time.Time) { *f = Flaps{f.now(now) + 1, now} }

// until is how long it takes to fall to a sum.
func (f Flaps) until(sum float64, now time.Time) time.Duration {
	return time.Duration(math.Log2(f.now(now)/sum)*float64(flapHalfLife)) + time.Millisecond
}

// recall gives a new incident what is remembered of earlier ones of its condition.
func (b *Book) recall(rec *Record, now time.Time) {
	key := rec.Notice.Fingerprint
	if f := b.flaps[key]; f.now(now) >= flapForgets {
		rec.Flaps = f
	}
	delete(b.flaps, key)
	rec.Flaps.count(now)
	rec.Flapping = rec.Flaps.now(now) > flapSuppress
}

// remember keeps the transitions of an incident that has ended, and forgets those that count no more.
func (b *Book) remember(rec *Record, now time.Time) {
	b.flaps[rec.Notice.Fingerprint] = rec.Flaps
	if len(b.flaps) < b.flapsMost {
		return
	}
	maps.DeleteFunc(b.flaps, func(_ string, f Flaps) bool { return f.now(now) < flapForgets })
	b.flapsMost = 2*len(b.flaps) + 1024
}

// over is called when the condition of an incident is gone. It ends, unless it flaps. What a reload or time made no condition any
// more does not count as going; of one that was gone before, a reload is not the reason.
func (b *Book) over(rec *Record, now time.Time, reason string) []notice.Notice {
	unasked := reason == notice.ReasonSettled || reason == notice.ReasonConfig
	if rec.Group != "" || unasked && rec.Cleared.IsZero() {
		return b.end(rec, now, reason)
	}
	if rec.Cleared.IsZero() {
		rec.Cleared = now
		rec.Flaps.count(now)
		rec.Flapping = rec.Flapping || rec.Flaps.now(now) > flapSuppress
		b.dirty[rec.ID()] = rec
	}
	if rec.Flapping && rec.Flaps.now(now) >= flapReuse {
		return b.say(rec, now)
	}
	return b.end(rec, now, reason)
}

// back is called when a condition holds. One that was gone while its incident flapped goes on under it.
func (b *Book) back(rec *Record, now time.Time) {
	if !rec.Cleared.IsZero() {
		rec.Cleared = time.Time{}
		rec.Flaps.count(now)
		b.dirty[rec.ID()] = rec
	}
}

// watchFlaps ends the flapping of an incident that has become steady, and looks again when it may have.
func (b *Book) watchFlaps(rec *Record, now time.Time) {
	switch {
	case !rec.Flapping:
	case rec.Flaps.now(now) < flapReuse:
		rec.Flapping = false
		b.dirty[rec.ID()] = rec
	default:
		b.alarms.set(rec.ID(), now.Add(rec.Flaps.until(flapReuse, now)))
	}
}

// flapReason is why a firing is told, where there is more to say than that it fires.
func (r *Record) flapReason() string {
	if r.Flapping {
		return notice.ReasonFlapping
	}
	return ""
}
