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
)

// delays are those after the first, second, … failed attempt; the last one repeats. The first attempt is made at once.
var delays = [...]time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, 2 * time.Hour}

// A channel that failed pauseAfter times in a row, whatever the delivery, is down: it is then left alone between
// attempts, so that a long queue does not try one after the other what all will meet.
const (
	pauseAfter = 5
	minPause   = 5 * time.Second
	maxPause   = 2 * time.Minute
)

// delay is how long to wait after so many failed attempts.
func delay(attempts int) time.Duration {
	return spread(delays[min(max(attempts, 1), len(delays))-1])
}

// pause is how long to leave a channel alone after so many failures in a row.
func pause(failures int) time.Duration {
	if failures < pauseAfter {
		return 0
	}
	return spread(min(minPause<<min(failures-pauseAfter, 10), maxPause))
}

func spread(d time.Duration) time.Duration {
	return d + time.Duration(jitter*(2*rand.Float64()-1)*float64(d))
}

// asked bounds what a receiver asked for.
func asked(d time.Duration) time.Duration { return min(max(d, minAsked), maxAsked) }

// expired says whether a delivery that failed again is to be given up: it is too old, and has had every delay, so that
// neither a step of the clock nor a long stop of the host spends its attempts.
func expired(d notice.Delivery, now time.Time) bool {
	return now.Sub(d.Created) >= giveUpAfter && d.Attempts > len(delays)
}

// due is when the next attempt of a delivery is to be made. One read from disk tells wall-clock time: it is never
// believed beyond the longest that the schedule can ask for.
func due(d notice.Delivery, now time.Time) time.Time {
	latest := now.Add(time.Duration((1 + jitter) * float64(delays[len(delays)-1])))
	if d.NextAt.After(latest) {
		return latest
	}
	return d.NextAt
}
