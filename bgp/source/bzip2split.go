package source

import (
	"bufio"
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

// bzHint says of what values the last byte but one can be where a magic number ends in the last one.
var bzHint = func() (hint [256]bool) {
	for shift := range 8 {
		for _, magic := range [...]uint64{bzBlockMagic, bzEndMagic} {
			hint[magic<<shift>>8&0xff] = true
		}
	}
	return hint
}()

// bzSplitter cuts bzip2 data into its blocks, and gives each to found as a stream that holds nothing else. What cannot be
// cut is given to found too: it is the standard library that says what is wrong with it.
type bzSplitter struct {
	r      *bufio.Reader
	found  func(stream []byte) bool // false ends the search
	level  byte
	crc    uint32 // of the blocks of this stream
	buf    []byte // from the byte in which the present block begins
	from   int    // and the bit of it
	inside bool   // there is a present block
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
		s.level, s.crc, s.buf, s.from, s.inside = head[3], 0, s.buf[:0], 0, false
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
	var last uint64 // eight bytes
	for {
		c, err := s.r.ReadByte()
		if err != nil {
			return s.torn(err)
		}
		s.buf = append(s.buf, c)
		last = last<<8 | uint64(c)
		if len(s.buf) > maxBzBlock {
			return s.torn(bzip2.StructuralError("a block is too long"))
		}
		if len(s.buf) < bzMagicBits/8 || !bzHint[last>>8&0xff] {
			continue
		}
		shift, magic := magicIn(last)
		switch at := len(s.buf)*8 - bzMagicBits - shift; {
		case magic == 0:
		case !s.inside && at != 0, s.inside && at < s.from+bzMagicBits+32:
			return s.torn(bzip2.StructuralError("bad magic value found"))
		case s.inside && !s.found(s.block(at)):
			return io.ErrClosedPipe
		case magic == bzEndMagic:
			return s.end(at + bzMagicBits)
		default:
			s.buf = s.buf[:copy(s.buf, s.buf[at/8:])]
			s.from, s.inside = at%8, true
		}
	}
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

// torn hands over what is there of a stream that goes on no further.
func (s *bzSplitter) torn(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	to := len(s.buf) * 8
	to -= (to - s.from) % 8 // zeros behind the last bits would be more than is there
	s.found(s.append([]byte{'B', 'Z', 'h', s.level}, to))
	return err
}

// block makes a stream of the present block, which ends before a bit.
func (s *bzSplitter) block(to int) []byte {
	n := to - s.from
	out := make([]byte, 0, n/8+32)
	out = s.append(append(out, 'B', 'Z', 'h', s.level), to)
	crc := binary.BigEndian.Uint32(out[4+bzMagicBits/8:])
	s.crc = (s.crc<<1 | s.crc>>31) ^ crc
	var tail [11]byte // the end, moved to the bit at which it begins
	binary.BigEndian.PutUint64(tail[:], bzEndMagic<<16|uint64(crc>>16))
	binary.BigEndian.PutUint16(tail[8:], uint16(crc))
	used := n % 8
	if used == 0 {
		return append(out, tail[:10]...)
	}
	out[len(out)-1] |= tail[0] >> used
	for i := range 10 {
		out = append(out, tail[i]<<(8-used)|tail[i+1]>>used)
	}
	return out
}

// append adds the bits of the present block up to one of them, and zeros to the next byte.
func (s *bzSplitter) append(out []byte, to int) []byte {
	n := to - s.from
	for i := range (n + 7) / 8 {
		c := s.buf[i] << s.from
		if i+1 < len(s.buf) {
			c |= s.buf[i+1] >> (8 - s.from)
		}
		out = append(out, c)
	}
	if n%8 != 0 {
		out[len(out)-1] &= 0xff << (8 - n%8)
	}
	return out
}

// end checks the sum of a stream whose end was found, and goes on behind it.
func (s *bzSplitter) end(at int) error {
	for len(s.buf)*8 < at+32 {
		c, err := s.r.ReadByte()
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		} else if err != nil {
			return err
		}
		s.buf = append(s.buf, c)
	}
	var sum uint64
	for _, c := range s.buf[at/8:] {
		sum = sum<<8 | uint64(c)
	}
	if uint32(sum>>(len(s.buf)*8-at-32)) != s.crc {
		return bzip2.StructuralError("file checksum mismatch")
	}
	return nil
}
