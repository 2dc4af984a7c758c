package source

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"io"
	"strings"
)

// The numbers that a block and the end of a stream begin with: 48 bits, at any bit.
const (
	bzBlockMagic = 0x314159265359
	bzEndMagic   = 0x177245385090
	bzMagicBits  = 48
	bzMagicMask  = 1<<bzMagicBits - 1

	bzEmpty    = "BZh9\x17\x72\x45\x38\x50\x90\x00\x00\x00\x00" // a stream without a block
	maxBzBlock = 4 << 20                                        // 900,000 symbols of up to 20 bits, their tables, and more
)

const errBzMagic = bzip2.StructuralError("bad magic value found")

// bzHint says of what values the last byte but one can be where a magic number ends in the last one.
var bzHint = func() (hint [256]bool) {
	for shift := range 8 {
		for _, magic := range [...]uint64{bzBlockMagic, bzEndMagic} {
			hint[magic<<shift>>8&0xff] = true
		}
	}
	return hint
}()

// bzSplitter cuts bzip2 data into its blocks, and gives each to found.
type bzSplitter struct {
	r     *bufio.Reader
	found func(*bzBlock) bool // false ends the search
	level int
	crc   uint32 // of the blocks of this stream
	buf   []byte // from the byte in which the present block begins, behind its magic number
	from  int    // and the bit of it
}

// split ends with the error that ended the data: io.EOF where all was well.
func (s *bzSplitter) split() error {
	for first := true; ; first = false {
		if err := s.header(first); err != nil {
			return err
		}
		if err := s.stream(); err != nil {
			return err
		}
	}
}

// header reads what a stream begins with.
func (s *bzSplitter) header(first bool) error {
	head, err := s.r.Peek(4)
	switch {
	case len(head) == 4 && string(head[:3]) == "BZh" && '1' <= head[3] && head[3] <= '9':
		s.level, s.crc, s.buf = int(head[3]-'0'), 0, s.buf[:0]
		_, err = s.r.Discard(4)
		return err
	case len(head) == 0 && !first:
		return err // io.EOF, or why reading failed
	}
	before := ""
	if !first {
		before = bzEmpty
	}
	_, err = io.Copy(io.Discard, bzip2.NewReader(io.MultiReader(strings.NewReader(before), s.r)))
	return err
}

// stream cuts what is behind a header, up to its end.
func (s *bzSplitter) stream() error {
	var first [8]byte
	if _, err := io.ReadFull(s.r, first[8-bzMagicBits/8:]); err != nil {
		return torn(err)
	}
	magic, at := binary.BigEndian.Uint64(first[:]), 0
	for {
		switch magic {
		default:
			return errBzMagic
		case bzEndMagic:
			return s.end(at)
		case bzBlockMagic:
			s.buf = s.buf[:copy(s.buf, s.buf[at/8:])]
			s.from = at % 8
		}
		var err error
		if magic, at, err = s.seek(); err != nil {
			if !s.block(len(s.buf)*8, true) {
				return io.ErrClosedPipe
			}
			return torn(err)
		}
		if !s.block(at-bzMagicBits, false) {
			return io.ErrClosedPipe
		}
	}
}

func torn(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// seek reads on to the next magic number, and says at which bit of buf it ends.
func (s *bzSplitter) seek() (magic uint64, at int, err error) {
	var last uint64 // eight bytes
	for len(s.buf) < maxBzBlock {
		if _, err := s.r.Peek(1); err != nil {
			return 0, 0, err
		}
		window, _ := s.r.Peek(s.r.Buffered())
		for i, c := range window {
			last = last<<8 | uint64(c)
			if !bzHint[last>>8&0xff] {
				continue
			}
			if shift, magic := magicIn(last); magic != 0 && (len(s.buf)+i+1)*8-shift >= s.from+32+bzMagicBits {
				s.take(window[:i+1])
				return magic, len(s.buf)*8 - shift, nil
			}
		}
		s.take(window)
	}
	return 0, 0, errBzMagic
}

func (s *bzSplitter) take(window []byte) {
	s.buf = append(s.buf, window...)
	s.r.Discard(len(window))
}

// magicIn finds the magic number that ends in the last byte.
func magicIn(last uint64) (shift int, magic uint64) {
	for shift := 7; shift >= 0; shift-- {
		if m := last >> shift & bzMagicMask; m == bzBlockMagic || m == bzEndMagic {
			return shift, m
		}
	}
	return 0, 0
}

// block hands over the present block, which ends before a bit.
func (s *bzSplitter) block(to int, torn bool) bool {
	s.crc = (s.crc<<1 | s.crc>>31) ^ bits32(s.buf, s.from)
	return s.found(&bzBlock{packed: bytes.Clone(s.buf), from: s.from, to: to, level: s.level, torn: torn})
}

// bits32 gives the 32 bits from one of them, zeros where there are none.
func bits32(data []byte, from int) uint32 {
	var eight [8]byte
	copy(eight[:], data[from/8:])
	return uint32(binary.BigEndian.Uint64(eight[:]) << (from % 8) >> 32)
}

// end checks the sum of a stream whose end was found, and goes on behind it.
func (s *bzSplitter) end(at int) error {
	var rest [4]byte
	missing := rest[:(at+32+7)/8-len(s.buf)]
	if _, err := io.ReadFull(s.r, missing); err != nil {
		return torn(err)
	}
	s.buf = append(s.buf, missing...)
	if bits32(s.buf, at) != s.crc {
		return bzip2.StructuralError("file checksum mismatch")
	}
	return nil
}
