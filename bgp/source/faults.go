package source

import (
	"fmt"
	"maps"

	"peervane/bgp/wire"
)

// FaultKind is a fault of an UPDATE without its place.
type FaultKind struct {
	Verdict wire.Verdict
	Reason  wire.Reason
	Attr    uint8 // the path attribute's type code; 0 outside of attributes
}

func (k FaultKind) String() string {
	if k.Attr == 0 {
		return fmt.Sprintf("%s: %s", k.Reason, k.Verdict)
	}
	return fmt.Sprintf("%s: %s: %s", wire.AttributeName(k.Attr), k.Reason, k.Verdict)
}

// FaultCounts counts faults by kind. The nil map is empty.
type FaultCounts map[FaultKind]uint64

// add counts the faults of an UPDATE.
func (c *FaultCounts) add(u *wire.Update) {
	for _, f := range u.Faults() {
		if *c == nil {
			*c = make(FaultCounts)
		}
		(*c)[FaultKind{f.Verdict, f.Reason, f.Attr}]++
	}
}

func (c FaultCounts) clone() FaultCounts { return maps.Clone(c) }
