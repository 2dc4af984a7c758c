package session

import (
	"fmt"
	"strings"
)

// sprintSlot fills a format's %d with slots, the last for all that are left.
func sprintSlot(format string, slots ...Slot) string {
	var args []any
	for i := range strings.Count(format, "%d") {
		args = append(args, slots[min(i, len(slots)-1)])
	}
	return fmt.Sprintf(format, args...)
}
