// Package netlab is a miniature internet inside one program: hosts, each a
// network namespace of its own, joined by links whose delay, jitter, loss,
// duplication and reordering can be set, per direction, while traffic flows.
// The demonstration and the tests measure round-trip times on it that are real.
//
// It needs no root. A program that may not make network namespaces starts
// itself again with Reexec, in a new user namespace where it is root and may:
//
//	if !netlab.Inside() {
//		code, err := netlab.Reexec(os.Args[1:])
//		...
//		os.Exit(code)
//	}
//	lab, err := netlab.New()
//
// Nor does it need a kernel with netem. A link is two veth pairs. Their inner
// ends lie in a namespace that belongs to no host, and there a relay takes each
// frame from one with an AF_PACKET socket and hands it to the other when its
// time has come. The time counts from the kernel's stamp of the arrival, so
// that a busy program delays a frame once (when it is sent), not twice.
//
// The frames are those of a real wire: checksum and segmentation offload are
// off at the hosts, so each holds at most one MTU and complete checksums.
// Neighbours are permanent entries: no ARP or neighbour discovery adds a round
// trip to the first packet on a path.
//
// # Precision
//
// On an idle machine of two CPUs a frame is about 70 µs late in the middle and
// 0.4 ms at the 99th percentile, most of it the time that a sleeping CPU takes
// to wake (BenchmarkAddedLatency). A program that computes on all CPUs while it
// measures adds about a millisecond: the relay's thread then waits for a
// processor of the Go scheduler. With some of these to spare, Reexec(args,
// "GOMAXPROCS=16"), the middle stays under 100 µs. As root of the machine the
// relays come before all programs of the ordinary class, and a machine that
// others keep busy adds 0.2 ms at the 99th percentile. Without that right it
// shows in the upper percentiles, so compare minima or medians. No frame is
// ever early.
//
// # What it never does
//
// It never changes the namespace in which the program started, unless Reexec
// made that one (see Lab.Self). It writes nothing to /run/netns: a namespace
// lives as long as a descriptor, a socket or a program in it, so none outlives
// a crash. It shapes delay and loss, not bandwidth.
//
// # Goroutines
//
// A link owns two, one a direction, each bound to a thread of its own.
// Lab.Close ends them and waits. Reexec owns one, which passes signals on, and
// waits for it before it returns.
package netlab
