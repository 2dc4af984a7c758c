package detect

import (
	"net/netip"
	"testing"
	"time"
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

// Nor may a hundred thousand that are hijacked at once take much more.
func TestAHijackIsSmall(t *testing.T) {
	p, culprits, now := netip.MustParsePrefix("192.0.2.0/24"), []uint32{64510}, time.Unix(1_700_000_000, 0)
	if n := testing.AllocsPerRun(100, func() {
		var m Memory
		m.Hijacked(p, culprits, now)
	}); n > 3 {
		t.Errorf("the first hijack of a registration takes %.0f objects", n)
	}
}
