// Package source is where routes come from: live peers, feeds of outside vantages, MRT files and RIS JSON lines. Each source turns what it reads
// into bgp.Inputs and puts them into a Sink, in order.
//
// A live peer never waits: what the engine has not taken yet coalesces in its Pending queue; nor does a feed, whose vantages
// have one each. A recording waits: its
// Sink blocks, nothing coalesces, and the same input gives the same Inputs every time.
//
// The package judges no route. It reads files that it is given the names of, and writes none; a tape, which is what a
// recording of our own sessions is called here, goes to a writer that it is given.
//
// Goroutines: Peer.Run starts its session's and waits for it; Feed.Run reads on its caller's, starts one that writes beside each
// connection to RIS Live, or one for each router that speaks BMP, and waits for them; each file that is open has one that reads ahead, and
// several where it is compressed by bzip2, which Close ends and waits for. Everything else runs on the caller's.
package source
