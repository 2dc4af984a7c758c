// Package probe measures the way to POPs: ICMP echo on kernel time stamps, TCP
// connects with the kernel's handshake time, both in batches on a schedule.
//
// It judges nothing: what a batch means is for package stats and its callers.
// It never imports anything of BGP, keeps no history, and never waits for
// whoever reads its batches.
//
// Two tasks own all goroutines: Scheduler.Run and Resolver.Run each wait for
// every one that they started before they return.
package probe
