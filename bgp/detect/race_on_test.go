//go:build race

package detect

// The race detector has sync.Pool drop what it holds at random.
const raceDetector = true
