package bunzip

import "compress/bzip2"

// What is wrong with a block, in the standard library's words.
const (
	errRandomized = bzip2.StructuralError("deprecated randomized files")
	errNoSymbols  = bzip2.StructuralError("no symbols in input")
	errTrees      = bzip2.StructuralError("invalid number of Huffman trees")
	errTreeIndex  = bzip2.StructuralError("tree index too large")
	errNoTree     = bzip2.StructuralError("no tree selectors given")
	errCodeLen    = bzip2.StructuralError("Huffman length out of range")
	errEqualCodes = bzip2.StructuralError("equal symbols in Huffman tree")
	errGroups     = bzip2.StructuralError("insufficient selector indices for number of symbols")
	errRun        = bzip2.StructuralError("repeat count too large")
	errRunEnd     = bzip2.StructuralError("repeats past end of block")
	errBlockLen   = bzip2.StructuralError("data exceeds block size")
	errOrigin     = bzip2.StructuralError("origPtr out of bounds")
	errChecksum   = bzip2.StructuralError("block checksum mismatch")
)
