package bunzip

import "io"

const (
	// MaxBlock is how many bytes a block of level 9 may hold before its last step.
	MaxBlock = 900_000

	minTrees, maxTrees = 2, 6
	groupLen           = 50 // how many symbols stand together in the code of one tree
)

// Decoder decodes one block after the other, and keeps the memory that it needs for that: 13 MB, of which half is used
// but for blocks made to be odd. The zero value is ready.
type Decoder struct {
	bits     bitReader
	symbols  int     // how many a code can mean
	alphabet recent  // the bytes there are, in order
	groups   []uint8 // the tree of each
	trees    [maxTrees]tree
	column   column
	walk     walk
}

// Decode appends to dst what a block holds. In packed the block begins at the bit from, with its checksum; it ends before the bit to
// or sooner: at end. It may hold limit bytes before its last step. If the bits end before it, the error is io.ErrUnexpectedEOF;
// any other is a bzip2.StructuralError. When only the checksum is wrong, what was decoded is there all the same.
func (d *Decoder) Decode(dst, packed []byte, from, to, limit int) (out []byte, end int, err error) {
	d.bits.data = append(append(d.bits.data[:0], packed[:(to+7)/8]...), make([]byte, slack)...)
	d.bits.pos, d.bits.end = from, to
	sum := uint32(d.bits.read(32))
	origin, err := d.read(min(limit, MaxBlock))
	switch {
	case d.bits.short():
		return dst, to, io.ErrUnexpectedEOF
	case err != nil:
		return dst, d.bits.pos, err
	}
	d.walk.invert(d.column.bytes(), &d.column.counts, origin)
	out = unrun(dst, d.column.bytes())
	if checksum(out[len(dst):]) != sum {
		err = errChecksum
	}
	return out, d.bits.pos, err
}

// read takes in what stands behind the checksum.
func (d *Decoder) read(limit int) (origin int, err error) {
	if d.bits.read(1) != 0 {
		return 0, errRandomized
	}
	origin = d.bits.read(24)
	if err := d.readAlphabet(); err != nil {
		return 0, err
	}
	trees := d.bits.read(3)
	if trees < minTrees || trees > maxTrees {
		return 0, errTrees
	}
	if err := d.readGroups(trees); err != nil {
		return 0, err
	}
	for i := range trees {
		if err := d.readTree(&d.trees[i]); err != nil {
			return 0, err
		}
	}
	if err := d.readColumn(limit); err != nil {
		return 0, err
	}
	if origin >= len(d.column.bytes()) {
		return 0, errOrigin
	}
	return origin, nil
}

// readAlphabet reads which sixteens of bytes occur, and of each of these which bytes.
func (d *Decoder) readAlphabet() error {
	n := 0
	sixteens := d.bits.read(16)
	for high := range 16 {
		if sixteens<<high&0x8000 == 0 {
			continue
		}
		present := d.bits.read(16)
		for low := range 16 {
			if present<<low&0x8000 != 0 {
				d.alphabet[n] = byte(high<<4 | low)
				n++
			}
		}
	}
	d.symbols = n + 2 // the first is never named; two are for runs, and one for the end
	if n == 0 {
		return errNoSymbols
	}
	return nil
}

// readGroups reads the tree of each group, as moves to the front.
func (d *Decoder) readGroups(trees int) error {
	list := recent{0, 1, 2, 3, 4, 5}
	n := d.bits.read(15)
	d.groups = d.groups[:0]
	for range n {
		at := uint(0)
		for ; d.bits.read(1) == 1; at++ {
		}
		if at >= uint(trees) {
			return errTreeIndex
		}
		d.groups = append(d.groups, list.move(at))
	}
	return nil
}

// readTree reads how long its codes are, each as the difference to the one before.
func (d *Decoder) readTree(t *tree) error {
	var lengths [maxSymbols]uint8
	length := d.bits.read(5)
	for i := range d.symbols {
		for {
			if length < 1 || length > maxCodeLen {
				return errCodeLen
			}
			if d.bits.read(1) == 0 {
				break
			}
			length += 1 - 2*d.bits.read(1)
		}
		lengths[i] = uint8(length)
	}
	return t.build(lengths[:d.symbols])
}
