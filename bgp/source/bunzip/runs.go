package bunzip

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// unrun appends what a text means, in which behind four equal bytes stands how many more there are. It changes text.
func unrun(dst, text []byte) []byte {
	told := 0 // of text
	for {
		n := fourEqual(text)
		if n < 0 || n+4 >= len(text) {
			return append(dst, text[told:]...)
		}
		dst = append(dst, text[told:n+4]...)
		b, more := text[n], text[n+4]
		if more == 0 { // the standard library counts the last of the four as the first of the next
			text[n+4], text, told = b, text[n+4:], 1
			continue
		}
		for range more {
			dst = append(dst, b)
		}
		text, told = text[n+5:], 0
	}
}

// fourEqual finds the first four equal bytes, -1 if there are none. It looks at eight places at once.
func fourEqual(text []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+11 <= len(text); i += 8 {
		t := text[i : i+11]
		w := word(t)
		differ := (w ^ word(t[1:])) | (w ^ word(t[2:])) | (w ^ word(t[3:]))
		if zeros := (differ - ones) &^ differ & highs; zeros != 0 { // the lowest is one; above it there may be others that are none
			return i + bits.TrailingZeros64(zeros)/8
		}
	}
	for ; i+4 <= len(text); i++ {
		if t := text[i : i+4]; t[0] == t[1] && t[0] == t[2] && t[0] == t[3] {
			return i
		}
	}
	return -1
}

func word(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// checksum is CRC-32 that begins at the highest bit of each byte. That of hash/crc32, for which there are instructions, begins at the
// lowest; so the bits of each byte are turned round.
func checksum(data []byte) uint32 {
	var turned [1024]byte
	sum := uint32(0)
	for len(data) > 0 {
		n := copy(turned[:], data)
		for i := 0; i < n; i += 8 {
			w := turned[i : i+8]
			binary.BigEndian.PutUint64(w, bits.Reverse64(word(w)))
		}
		sum = crc32.Update(sum, crc32.IEEETable, turned[:n])
		data = data[n:]
	}
	return bits.Reverse32(sum)
}
