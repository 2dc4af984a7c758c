package bunzip

import "encoding/binary"

// slack is how many bytes may be looked at behind the end before it is asked for: those of a group of the longest codes.
const slack = groupLen*maxCodeLen/8 + 16

// bitReader reads from the highest bit of each byte to the lowest.
type bitReader struct {
	data     []byte // slack zeros behind end
	pos, end int
}

// word gives 57 bits or more, from the highest, and stays where it is.
func (b *bitReader) word() uint64 { return binary.BigEndian.Uint64(b.data[b.pos>>3:]) << (b.pos & 7) }

// read gives n bits, of 32 at most; zeros once there are not as many.
func (b *bitReader) read(n int) int {
	if b.end-b.pos < n {
		b.pos = b.end + 1
		return 0
	}
	v := b.word() >> (64 - n)
	b.pos += n
	return int(v)
}

// short says whether more was read than there is.
func (b *bitReader) short() bool { return b.pos > b.end }
