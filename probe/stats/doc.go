// Package stats turns probe outcomes into figures and verdicts: windows and
// roll-ups of round-trip times, the nearest POP of a service, a POP that no
// longer answers, and a latency that has shifted.
//
// It is pure: it opens nothing, starts nothing and reads no clock. Time comes
// in as a value, and order of arrival is the only order that it knows. Spans
// are taken with time.Time.Sub, so that samples of a running process are
// measured on the monotonic clock and a step of the wall clock moves nothing.
//
// No type here is safe for concurrent use: each belongs to the goroutine that
// feeds it.
package stats
