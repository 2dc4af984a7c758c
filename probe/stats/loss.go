package stats

import "slices"

const (
	lossRise    = 0.20
	lossFall    = 0.05
	lossBatches = 12 // that are judged together
	lossProbes  = 10 // fewer prove nothing
)

// Loss judges whether a target loses packets: it rises at 20 % of the last 12
// batches and falls at 5 %, so that a figure near one threshold does not make
// it flap.
type Loss struct {
	last  []shares
	total shares
	high  bool
}

// Add takes in a batch and tells whether loss is high.
func (l *Loss) Add(s Sample) bool {
	of := sharesOf(&s)
	l.last = append(l.last, of)
	l.total.add(of, 1)
	if len(l.last) > lossBatches {
		l.total.add(l.last[0], -1)
		l.last = slices.Delete(l.last, 0, 1)
	}
	if l.high {
		l.high = l.Share() > lossFall
	} else {
		l.high = l.Share() >= lossRise && l.total.measured >= lossProbes
	}
	return l.high
}

// Low says that enough probes were measured to know that few are lost.
func (l *Loss) Low() bool {
	return l.total.measured >= lossProbes && l.Share() <= lossFall
}

// High is what Add said last.
func (l *Loss) High() bool { return l.high }

// Share is the loss of the batches that are judged, 0 to 1.
func (l *Loss) Share() float64 { return l.total.loss() }
