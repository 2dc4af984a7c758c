package notice

import (
	"math"

	"peervane/bgp"
)

// Cost is what was measured, as evidence shows it: in tenths of a millisecond, and in microseconds where that would be nothing.
func Cost(m *bgp.Measured) *Latency {
	return &Latency{
		POP: m.POP, BeforeMS: millis(m.Before), AfterMS: millis(m.After), ShiftMS: rounded(m.After-m.Before, 10),
		Loss: rounded(m.Loss, 1000), OutageMS: rounded(m.Outage, 1), ConvergenceMS: rounded(m.Convergence, 1),
	}
}

// millis tells the latency itself, which is never 0.
func millis(f float64) *float64 {
	if f < 0.1 {
		return rounded(f, 1000)
	}
	return rounded(f, 10)
}

// rounded tells f in steps of 1/n; what is not known is nil.
func rounded(f, n float64) *float64 {
	if math.IsNaN(f) {
		return nil
	}
	f = math.Round(f*n)/n + 0 // no negative zero
	return &f
}
