package source

import (
	"bufio"
	"io"
	"runtime"
	"sync"

	"peervane/bgp/source/bunzip"
)

// bunzip2 decompresses bzip2 data block by block on several goroutines. They are found by the magic number that each begins
// with. (A block that holds that number by chance, as one in 2^48 bits does, counts as damaged.) What stands before the first
// damaged block is given, and nothing of that block. Close ends the goroutines and waits for them; it does not close what
// is read from.
type bunzip2 struct {
	order chan *bzBlock // as they stand in the file
	work  chan *bzBlock
	spare chan []byte
	stop  chan struct{}
	done  sync.WaitGroup
	rest  []byte // of last
	last  []byte
	err   error
}

// bzBlock is a block on its way: first its bits, then what it holds, or only the error that ends all.
type bzBlock struct {
	packed   []byte
	from, to int // bits of packed
	level    int
	torn     bool // the data ended in it
	data     []byte
	err      error
	ready    chan struct{}
}

const maxBzWorkers = 8 // a block can hold 46 MB, though no honest one does

func newBunzip2(r io.Reader) *bunzip2 {
	workers := min(runtime.GOMAXPROCS(0), maxBzWorkers)
	z := &bunzip2{
		order: make(chan *bzBlock, workers), work: make(chan *bzBlock, workers), spare: make(chan []byte, workers+2),
		stop: make(chan struct{}),
	}
	z.done.Go(func() {
		defer close(z.order)
		defer close(z.work)
		s := bzSplitter{r: bufio.NewReaderSize(r, chunkSize), found: z.found}
		z.hand(&bzBlock{err: s.split()})
	})
	for range workers {
		z.done.Go(z.decode)
	}
	return z
}

// found takes a block that was found; false ends the search.
func (z *bunzip2) found(b *bzBlock) bool {
	b.ready = make(chan struct{})
	if !z.hand(b) {
		return false
	}
	select {
	case z.work <- b:
		return true
	case <-z.stop:
		return false
	}
}

func (z *bunzip2) hand(b *bzBlock) bool {
	select {
	case z.order <- b:
		return true
	case <-z.stop:
		return false
	}
}

func (z *bunzip2) decode() {
	var d bunzip.Decoder
	for b := range z.work {
		var buf []byte
		select {
		case buf = <-z.spare:
		default:
		}
		b.decode(&d, buf[:0])
		close(b.ready)
	}
}

func (b *bzBlock) decode(d *bunzip.Decoder, buf []byte) {
	data, end, err := d.Decode(buf, b.packed, b.from, b.to, b.level*100_000)
	switch {
	case err == nil:
		b.data = data
		if left := b.to - end; left >= bzMagicBits || left > 0 && !b.torn {
			err = errBzMagic
		}
	case err == io.ErrUnexpectedEOF && !b.torn: // it goes on where another begins
		err = errBzMagic
	}
	b.packed, b.err = nil, err
}

// Read gives what the blocks hold, and then what ended them.
func (z *bunzip2) Read(p []byte) (int, error) {
	for len(z.rest) == 0 {
		if z.err != nil {
			return 0, z.err
		}
		z.next()
	}
	n := copy(p, z.rest)
	z.rest = z.rest[n:]
	return n, nil
}

func (z *bunzip2) next() {
	b, ok := <-z.order
	if !ok {
		z.err = io.ErrClosedPipe
		return
	}
	if b.ready != nil {
		select {
		case <-b.ready:
		case <-z.stop: // it may never have come to work
			z.err = io.ErrClosedPipe
			return
		}
	}
	if z.last != nil {
		select {
		case z.spare <- z.last:
		default:
		}
	}
	z.rest, z.last, z.err = b.data, b.data, b.err
}

// Close ends all reading.
func (z *bunzip2) Close() error {
	close(z.stop)
	z.done.Wait()
	return nil
}
