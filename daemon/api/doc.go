// Package api shows what the daemon knows: the page at /, JSON under /api/v1, metrics for Prometheus, and the state of health. It
// is read-only: whatever changes something goes over the control socket.
//
// Handlers read snapshots that the daemon publishes; they never reach into the engine. Server.Run owns the goroutines of
// the HTTP server and waits for them.
package api
