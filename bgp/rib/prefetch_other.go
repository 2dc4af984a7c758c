//go:build !amd64

package rib

import "unsafe"

// prefetch does nothing where nobody has written down how it is asked for.
func prefetch(unsafe.Pointer) {}
