package daemon

import "peervane/bgp"

// noteFlap counts what makes a registered prefix unstable at a vantage.
func (e *engine) noteFlap(v *vantage, c bgp.Change) {
	if c.Cause != bgp.Updated || c.Withdrawn+c.PathChanges == 0 {
		return
	}
	reg := e.regs.exact(c.Prefix)
	if reg == nil || reg.Policy.Ignore {
		return
	}
	reg.memory.Flap(v.Name, c.PathID, c.Withdrawn, c.PathChanges, c.At)
	e.out.memories = append(e.out.memories, reg)
}
