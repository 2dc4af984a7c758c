package bunzip

const (
	maxSymbols = 256 + 2
	maxCodeLen = 20
	quickBits  = 10
)

// tree says which symbol a code means. The first quickBits are looked up at once; longer codes go on bit by bit.
type tree struct {
	quick [1 << quickBits]uint16 // symbol<<5 | length; or node<<5
	nodes [maxSymbols][2]uint16  // where each bit leads: to a node, or to a symbol | leaf
	used  int                    // of nodes
	codes [maxSymbols]code
}

const leaf = 1 << 15

// code is that of a symbol, from the highest bit, each of them turned over.
type code struct {
	bits   uint32
	symbol uint16
}

// build takes the length of the code of each symbol. They are numbered from the longest to the shortest, where of the same length from
// the last symbol to the first. If that leaves some unused, then a bit that could only be 0, or only 1, is left out of
// the code: so the standard library has it.
func (t *tree) build(lengths []uint8) error {
	codes, next := t.codes[:0], uint64(0)
	for length := maxCodeLen; length > 0; length-- {
		for symbol := len(lengths) - 1; symbol >= 0; symbol-- {
			if int(lengths[symbol]) != length {
				continue
			}
			if next > 1<<32-1 {
				return errEqualCodes
			}
			codes = append(codes, code{uint32(next), uint16(symbol)})
			next += 1 << (32 - length)
		}
	}
	t.used = 0
	t.lookUp(t.grow(codes, 1<<31), 0, 0)
	return nil
}

// grow makes the node at which codes part that are the same before a bit.
func (t *tree) grow(codes []code, bit uint32) uint16 {
	if len(codes) == 1 {
		return codes[0].symbol | leaf
	}
	ones := 0
	for ones < len(codes) && codes[ones].bits&bit == 0 {
		ones++
	}
	if ones == 0 || ones == len(codes) {
		return t.grow(codes, bit>>1)
	}
	node := t.used
	t.used++
	t.nodes[node] = [2]uint16{t.grow(codes[ones:], bit>>1), t.grow(codes[:ones], bit>>1)}
	return uint16(node)
}

// lookUp notes where all codes lead that begin with a prefix, which leads to at.
func (t *tree) lookUp(at uint16, prefix, length int) {
	switch {
	case at&leaf != 0:
		rest := quickBits - length
		for i := range 1 << rest {
			t.quick[prefix<<rest|i] = (at&^leaf)<<5 | uint16(length)
		}
	case length == quickBits:
		t.quick[prefix] = at << 5
	default:
		t.lookUp(t.nodes[at][0], prefix<<1, length+1)
		t.lookUp(t.nodes[at][1], prefix<<1|1, length+1)
	}
}

// symbol says what the code means that a word begins with, and how long that is.
func (t *tree) symbol(word uint64) (symbol uint16, length int) {
	q := t.quick[word>>(64-quickBits)]
	if q&31 == 0 {
		return t.long(q>>5, word)
	}
	return q >> 5, int(q & 31)
}

// long goes on from a node.
func (t *tree) long(at uint16, word uint64) (symbol uint16, length int) {
	for length = quickBits; at&leaf == 0; length++ {
		at = t.nodes[at][word>>(63-length)&1]
	}
	return at &^ leaf, length
}
