package rib

import "encoding/binary"

// arena keeps byte strings close together, in chunks, outside of what the garbage collector looks at. What is removed is used
// again for strings of the same length, in words. The zero value is ready.
type arena struct {
	mem    Memory
	chunks []block[byte]
	fill   int     // bytes used of the last chunk
	free   []place // by words: the first free place, which holds the next; 0: none
	live   int     // bytes that are used
}

// place is where a string stands: the chunk, and the word in it. 0 is none: the first word of all is left out.
type place uint32

const (
	wordLen   = 8
	chunkLen  = 1 << 20 // longer than any string
	wordBits  = 17      // of a place: words of a chunk
	wordMask  = 1<<wordBits - 1
	firstFill = wordLen
)

func words(n uint32) int { return (int(n) + wordLen - 1) / wordLen }

// room gives the whole words of a string, whatever is left of the last.
func (a *arena) room(at place, n uint32) []byte {
	from := int(at&wordMask) * wordLen
	return a.chunks[at>>wordBits].v[from : from+words(n)*wordLen]
}

func (a *arena) bytes(at place, n uint32) []byte {
	from := int(at&wordMask) * wordLen
	return a.chunks[at>>wordBits].v[from : from+int(n) : from+int(n)]
}

// add copies a string of at least one byte.
func (a *arena) add(b []byte) place {
	n := uint32(max(len(b), 1))
	at := a.take(words(n), n)
	copy(a.room(at, n), b)
	a.live += words(n) * wordLen
	return at
}

func (a *arena) take(w int, n uint32) place {
	if w < len(a.free) && a.free[w] != 0 {
		at := a.free[w]
		a.free[w] = place(binary.NativeEndian.Uint32(a.room(at, n)))
		return at
	}
	if last := len(a.chunks) - 1; last < 0 || a.fill+w*wordLen > len(a.chunks[last].v) {
		// The first ones are small: most neighbours have few routes, or few that are kept.
		size := min(chunkLen, max(chunkLen>>4<<min(len(a.chunks), 4), w*wordLen+firstFill))
		a.chunks = append(a.chunks, allocate[byte](a.mem, size))
		a.fill = 0
		if last < 0 {
			a.fill = firstFill
		}
	}
	at := place(len(a.chunks)-1)<<wordBits | place(a.fill/wordLen)
	a.fill += w * wordLen
	return at
}

// remove frees a string.
func (a *arena) remove(at place, n uint32) {
	n = max(n, 1)
	w := words(n)
	for w >= len(a.free) {
		a.free = append(a.free, 0)
	}
	binary.NativeEndian.PutUint32(a.room(at, n), uint32(a.free[w]))
	a.free[w] = at
	a.live -= w * wordLen
}

// sparse says that little is used of what is held.
func (a *arena) sparse() bool {
	return len(a.chunks) > 8 && a.live < (len(a.chunks)-5)*chunkLen/4
}

func (a *arena) drop() {
	for i := range a.chunks {
		a.chunks[i].free(a.mem)
	}
	a.chunks, a.free, a.fill, a.live = nil, nil, 0, 0
}
