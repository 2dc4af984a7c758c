// Package bunzip decodes the blocks of bzip2, three times as fast as the standard library. It refuses what that refuses, and
// nothing else. It knows nothing of what stands between the blocks, and starts no goroutines.
//
// There is no standard; the format is that of Julian Seward's bzip2 1.0. A block was made in four steps, which are undone
// from the last to the first: codes (huffman.go), moves to the front and runs (column.go), the Burrows-Wheeler transform (walk.go),
// and runs again (runs.go).
package bunzip
