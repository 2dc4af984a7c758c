// Package rib holds routes: the set of watched prefixes, the Adj-RIB-In of one vantage, and the attributes that its
// routes share.
//
// A Table takes 12 bytes for an IPv4 route and 16 for an IPv6 route (4 more with ADD-PATH), whatever their
// attributes, which an Interner keeps once. Nothing is allocated for a single route.
//
// The package is pure: no socket, file, goroutine or clock; time comes in as a value. It decodes nothing: attribute
// blocks are opaque bytes to it, decoded by whoever asks first. A Table and its Interner belong to one goroutine at a
// time; a Watched is immutable and may be shared.
package rib
