// Package bgp holds the nouns that the rest of peervane speaks of: families, AS paths, path attributes,
// vantages, changes and findings.
//
// It is pure: no socket, file, goroutine or clock; time comes in as a value. Every type here may be copied and
// read from any goroutine once built; Path and Attrs are immutable and shared by pointer, so that a verdict can be
// kept once per path.
package bgp
