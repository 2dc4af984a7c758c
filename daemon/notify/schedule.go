package notify

import (
	"math/rand/v2"
	"time"

	"peervane/daemon/notice"
)

const (
	giveUpAfter = 3 * 24 * time.Hour // then a delivery is a dead letter
	jitter      = 0.2                // of each delay, up or down, so that many hosts do not retry as one
	maxAsked    = 2 * time.Hour      // the longest that a receiver's Retry-After is heeded
	minAsked    = time.Second        // the shortest
	partlyTries = 5                  // attempts, within a quarter of an hour as a rule, after which one that others have is a dead letter: they wait for what is behind it
	pauseAfter  = 5                  // failures in a row, whatever the delivery, after which a channel is down
	maxPause    = 2 * time.Minute
)

// schedule holds the delays after the first, second, … failed attempt; the last one repeats. The first attempt is made
// at once.
type schedule []time.Duration

func standardSchedule() schedule {
	return schedule{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, 2 * time.Hour}
}

// delay is how long to wait after so many failed attempts.
func (s schedule) delay(attempts int) time.Duration {
	return spread(s[min(max(attempts, 1), len(s))-1])
}

// pause is how long to leave a channel alone after so many failures in a row. A channel that is down is not asked for
// every delivery of a long queue what it will not answer for one.
func (s schedule) pause(failures int) time.Duration {
	if failures < pauseAfter {
		return 0
	}
	return spread(min(s[0]<<min(failures-pauseAfter, 10), maxPause))
}

// expired says whether a delivery that failed again is to be given up: it is too old, and has had every delay, so that
// neither a step of the clock nor a long stop of the host spends its attempts.
func (s schedule) expired(d notice.Delivery, now time.Time) bool {
	return now.Sub(d.Created) >= giveUpAfter && d.Attempts > len(s)
}

// due is when the next attempt of a delivery is to be made. One read from disk tells wall-clock time: it is never
// believed beyond the longest that the schedule can ask for.
func (s schedule) due(d notice.Delivery, now time.Time) time.Time {
	latest := now.Add(time.Duration((1 + jitter) * float64(s[len(s)-1])))
	if d.NextAt.After(latest) {
		return latest
	}
	return d.NextAt
}

func spread(d time.Duration) time.Duration {
	return d + time.Duration(jitter*(2*rand.Float64()-1)*float64(d))
}

// asked bounds what a receiver asked for.
func asked(d time.Duration) time.Duration { return min(max(d, minAsked), maxAsked) }
