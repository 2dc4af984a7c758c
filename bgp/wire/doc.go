// Package wire turns bytes into BGP messages and back (RFC 4271 and its successors).
//
// The UPDATE scanner reads a message once, in place: it validates every length before it follows it, judges each
// fault as RFC 7606 says, and leaves views into the bytes, so that nothing is allocated and nothing is decoded that
// nobody asks for. OPEN, NOTIFICATION, KEEPALIVE and ROUTE-REFRESH are small and rare; they are decoded whole.
//
// A monitor keeps what a router would refuse: confederation segments from outside a confederation, AS_SETs and odd
// next hops are remarked upon and kept. What RFC 7606 calls malformed for its syntax is handled as it says.
//
// The package is pure: no socket, file, goroutine or clock. It never negotiates (package session does), never stores
// a route, and never panics, whatever the bytes.
package wire
