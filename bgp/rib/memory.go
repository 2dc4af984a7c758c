package rib

import "unsafe"

// Memory is where tables and attributes are kept. What is kept holds no pointers, so it needs no garbage collector: it may
// lie outside of the Go heap, where a table takes what it needs and not what the collector leaves, and what is freed is
// gone at once. A nil Memory is the Go heap.
type Memory interface {
	// Allocate gives n zero bytes, aligned for 8-byte words.
	Allocate(n int) []byte
	// Grow gives what Allocate gave n bytes, which are more: the further ones are zero. It may move; b is not read afterwards.
	Grow(b []byte, n int) []byte
	// Free takes back what Allocate gave. Nobody reads it afterwards.
	Free(b []byte)
}

// block is a slice of values without pointers in a Memory.
type block[T any] struct {
	v   []T
	raw []byte // what Memory gave; nil on the Go heap
}

func allocate[T any](m Memory, n int) block[T] {
	if m == nil {
		return block[T]{v: make([]T, n)}
	}
	return viewOf[T](m.Allocate(n*int(unsafe.Sizeof(*new(T)))), n)
}

func viewOf[T any](raw []byte, n int) block[T] {
	return block[T]{unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(raw))), n), raw}
}

// grow makes it n values long, which are more; the further ones are zero.
func (b *block[T]) grow(m Memory, n int) {
	if b.raw != nil {
		*b = viewOf[T](m.Grow(b.raw, n*int(unsafe.Sizeof(*new(T)))), n)
		return
	}
	more := allocate[T](m, n)
	copy(more.v, b.v)
	*b = more
}

// free leaves the block empty.
func (b *block[T]) free(m Memory) {
	if b.raw != nil {
		m.Free(b.raw)
	}
	*b = block[T]{}
}
