// Package draft turns what vantages show now into registrations: the [[prefix]] and [[asn]] tables that a network would
// write for itself, with a comment at each that says what was seen.
//
// A draft is a proposal. It cannot know what is legitimate: whatever is wrong while it is made, at enough vantages, is in
// it. So it shows its counts, it takes no origin for legitimate that few vantages show, and it tells what it would change.
//
// The package is pure: no socket, file, goroutine or clock. It never touches what a person wrote: a draft is a layer of its
// own, which leaves out what stands elsewhere.
package draft
