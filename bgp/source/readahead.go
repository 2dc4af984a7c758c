package source

import (
	"io"
	"sync"
)

// readAhead reads from r on a goroutine of its own, so that decompression and decoding share the work. Close ends that
// goroutine and waits for it; it does not close r.
type readAhead struct {
	full  chan chunk
	spare chan []byte
	stop  chan struct{}
	done  sync.WaitGroup
	cur   chunk
	rest  []byte // of cur
}

// chunk is a part of the stream; err comes with the last one.
type chunk struct {
	data []byte
	err  error
}

const (
	chunkSize  = 128 << 10
	chunkCount = 4
)

func newReadAhead(r io.Reader) *readAhead {
	a := &readAhead{
		full:  make(chan chunk, chunkCount),
		spare: make(chan []byte, chunkCount),
		stop:  make(chan struct{}),
	}
	for range chunkCount {
		a.spare <- nil
	}
	a.done.Go(func() { a.run(r) })
	return a
}

func (a *readAhead) run(r io.Reader) {
	for {
		select {
		case <-a.stop:
			return
		case buf := <-a.spare:
			c := fill(r, buf)
			a.full <- c // has room: there are no more chunks than places
			if c.err != nil {
				return
			}
		}
	}
}

// fill reads until buf is full or there is an error. Unlike io.ReadFull it keeps the error that came.
func fill(r io.Reader, buf []byte) (c chunk) {
	if buf == nil {
		buf = make([]byte, chunkSize)
	}
	n := 0
	for n < chunkSize && c.err == nil {
		var m int
		m, c.err = r.Read(buf[n:chunkSize])
		n += m
	}
	c.data = buf[:n]
	return c
}

// Read gives what was read ahead, and then the error that ended it.
func (a *readAhead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.cur.err != nil {
			return 0, a.cur.err
		}
		if a.cur.data != nil {
			a.spare <- a.cur.data[:0]
		}
		a.cur = <-a.full
		a.rest = a.cur.data
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// Close ends the reading.
func (a *readAhead) Close() {
	close(a.stop)
	a.done.Wait()
}
