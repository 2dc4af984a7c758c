package detect

import (
	"testing"
	"unsafe"
)

// A million registrations, each seen at a few sessions, must fit.
func TestMemoryIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Memory{}); n > 64 {
		t.Errorf("a registration remembers in %d bytes", n)
	}
	if n := unsafe.Sizeof(Trace{}); n > 112 {
		t.Errorf("and in %d for each vantage", n)
	}
}
