package source

import (
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// pages keeps tables outside of the Go heap: what is freed goes back to the system at once, nothing is kept ready for a
// garbage collector, and none walks it. Large tables may have huge pages, where the system gives them to who asks. What is
// small, or what the system refuses, comes from the Go heap.
type pages struct {
	mapped atomic.Int64 // bytes, of all that is held
}

const (
	leastMapped = 64 << 10
	hugePage    = 2 << 20
)

// Allocate implements rib.Memory.
func (p *pages) Allocate(n int) []byte {
	if n < leastMapped {
		return make([]byte, n)
	}
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n)
	}
	p.mapped.Add(int64(n))
	populate(b, 0)
	return b
}

// populate asks for all pages from one on at once, since they are about to be written: a fault for each, while a table grows, cost a fifth of
// loading it.
func populate(b []byte, from int) {
	if len(b) >= hugePage {
		_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // where it cannot be had, it does without
	}
	from -= from % os.Getpagesize()
	_ = unix.Madvise(b[from:], unix.MADV_POPULATE_WRITE) // before Linux 5.14, it comes page by page
}

// Grow implements rib.Memory. The pages that are there stay, and move to another address if they must.
func (p *pages) Grow(b []byte, n int) []byte {
	if len(b) >= leastMapped {
		if more, err := unix.Mremap(b, n, unix.MREMAP_MAYMOVE); err == nil { // it fails for what is on the Go heap
			p.mapped.Add(int64(n - len(b)))
			populate(more, len(b))
			return more
		}
	}
	more := p.Allocate(n)
	copy(more, b)
	p.Free(b)
	return more
}

// Free implements rib.Memory.
func (p *pages) Free(b []byte) {
	if len(b) >= leastMapped && unix.Munmap(b) == nil { // it fails for what is on the Go heap
		p.mapped.Add(-int64(len(b)))
	}
}
