// Package probe measures the way to POPs: ICMP echo on the kernel's stamps of
// transmission and receipt, TCP connects with the kernel's handshake time, both
// in batches on a schedule. It runs on Linux.
//
// It judges nothing: what a batch means is for package stats and its callers.
// It never imports anything of BGP, keeps no history, and never waits for
// whoever reads its batches.
//
// A Scheduler keeps one runner for each target, a goroutine that starts batches
// and waits for them. ICMP probes share a few sockets, called lanes: one id, one
// in-flight table and one reading goroutine each, opened and closed as flows
// need them. A Resolver turns configured sites into targets.
//
// Two tasks own all goroutines: Scheduler.Run and Resolver.Run each wait for
// every one that they started before they return.
//
// A new kind of probe is a file with a maker and a prober, and a line in kinds.
package probe
