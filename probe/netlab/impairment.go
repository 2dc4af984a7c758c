package netlab

import (
	"fmt"
	"time"
)

// Impairment is what one direction of a link does to frames. The zero value
// carries them as fast as it can.
type Impairment struct {
	Delay  time.Duration // the least time that a frame is under way
	Jitter time.Duration // up to so much more, uniformly; never reorders

	Loss      float64 // chance that a frame is lost, 0 to 1
	Duplicate float64 // chance that a frame arrives twice

	Reorder   float64       // chance that later frames overtake a frame,
	ReorderBy time.Duration // which is so much longer under way

	Blackhole bool // no frame arrives, though the link stays up
}

func (i Impairment) check() error {
	for name, d := range map[string]time.Duration{"delay": i.Delay, "jitter": i.Jitter, "reorder time": i.ReorderBy} {
		if d < 0 {
			return fmt.Errorf("%s %s: give 0 or more", name, d)
		}
	}
	for name, p := range map[string]float64{"loss": i.Loss, "duplicate": i.Duplicate, "reorder": i.Reorder} {
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("%s %v: give a chance from 0 to 1", name, p)
		}
	}
	if i.Reorder > 0 && i.ReorderBy == 0 {
		return fmt.Errorf("reorder %v without a reorder time: say by how much frames are overtaken", i.Reorder)
	}
	return nil
}
