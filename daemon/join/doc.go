// Package join brings the two planes together: what the probes measure of each POP, and when routes changed. It tells
// what a routing incident cost, and which POPs nothing reaches any more.
//
// It is pure: no socket, file, goroutine or clock; time comes in as a value. One goroutine owns a Plane.
package join
