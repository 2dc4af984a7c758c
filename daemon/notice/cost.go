package notice

import (
	"math"

	"peervane/bgp"
)

// Cost is what was measured, as evidence shows it: in tenths of a millisecond.
func Cost(m *bgp.Measured) *Latency {
	return &Latency{
		POP: m.POP, BeforeMS: rounded(m.Before, 10), AfterMS: rounded(m.After, 10), ShiftMS: rounded(m.After-m.Before, 10),
		Loss: rounded(m.Loss, 1000), OutageMS: rounded(m.Outage, 1), ConvergenceMS: rounded(m.Convergence, 1),
	}
}

// rounded tells f in steps of 1/n; what is not known is nil.
func rounded(f, n float64) *float64 {
	if math.IsNaN(f) {
		return nil
	}
	f = math.Round(f*n)/n + 0 // no negative zero
	return &f
}
