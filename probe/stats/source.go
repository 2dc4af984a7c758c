package stats

import "slices"

// Where a round-trip time comes from, best first.
const (
	SourceKernel   = "kernel"    // kernel stamps of transmission and receipt
	SourceTCPInfo  = "tcp_info"  // the kernel's own figure for the handshake
	SourceKernelRx = "kernel_rx" // kernel stamp of receipt only
	SourceUser     = "user"      // the monotonic clock of the process
)

// Weaker is the source that is to be trusted less; "" stands for none.
func Weaker(a, b string) string {
	order := [...]string{"", SourceKernel, SourceTCPInfo, SourceKernelRx, SourceUser}
	if slices.Index(order[:], a) > slices.Index(order[:], b) {
		return a
	}
	return b
}
