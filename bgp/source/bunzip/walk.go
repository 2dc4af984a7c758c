package bunzip

// The sorted rotations of a text stand in memory in no order that a processor could foresee, and each says where the one is
// that begins a byte later: to walk from one to the next is to wait for memory, each time. So the way is cut at many
// places, and as many parts of it as there are lanes are walked at once.
const (
	lanes   = 8
	stretch = 1 << 11 // how many rotations there are to one cut

	indexBits = 20
	mark      = 1 << 31
	parked    = 1<<indexBits - 1 // leads to itself; behind all rotations
)

// walk inverts the Burrows-Wheeler transform.
type walk struct {
	rotations *[1 << indexBits]uint32 // first byte, and the next rotation << 8; or, where the way is cut, mark | index in parts
	parts     []part
	trail     *[lanes][MaxBlock + 1]byte // what each lane came by
	begun     int                        // of parts
	on        [lanes]int                 // the part that each lane walks
}

// part is a piece of the way, from one cut to another.
type part struct {
	rotation uint32 // the one at the cut
	lane     int
	from, to int // of that lane's trail
	next     int // the part that follows
}

// invert puts the text in the place of its column, of which it is told how often each byte occurs. Origin is the rotation that is the text.
func (w *walk) invert(column []byte, counts *[256]uint32, origin int) {
	if w.rotations == nil {
		w.rotations, w.trail = new([1 << indexBits]uint32), new([lanes][MaxBlock + 1]byte)
		w.rotations[parked] = parked << 8
	}
	w.link(column, counts)
	w.parts = w.parts[:0]
	w.cut(origin)
	for at := stretch; at < len(column); at += stretch {
		w.cut(at)
	}
	w.walkAll()
	// A text that repeats itself has a way that leads round, until all is told.
	for p := &w.parts[0]; len(column) > 0; p = &w.parts[p.next] {
		column = column[copy(column, w.trail[p.lane][p.from:p.to]):]
	}
}

// link finds where each rotation's next one is: the first bytes are those of the column, sorted, and equal ones keep their order.
func (w *walk) link(column []byte, counts *[256]uint32) {
	var at [256]uint32
	sum := uint32(0)
	for b, n := range counts {
		at[b] = sum
		sum += n
	}
	for i, b := range column {
		w.rotations[at[b]&parked] = uint32(i)<<8 | uint32(b)
		at[b]++
	}
}

func (w *walk) cut(at int) {
	if r := w.rotations[at]; r&mark == 0 {
		w.rotations[at] = mark | uint32(len(w.parts))
		w.parts = append(w.parts, part{rotation: r})
	}
}

func (w *walk) walkAll() {
	var heads [lanes]uint32
	w.begun = 0
	for lane := range heads {
		heads[lane] = w.begin(lane, 0)
	}
	for step, ended := 0, 0; ended < len(w.parts); {
		step = w.walk(&heads, step)
		for lane, head := range heads {
			if head&mark == 0 {
				continue
			}
			p := &w.parts[w.on[lane]]
			p.to, p.next = step, int(head&^mark)
			ended++
			heads[lane] = w.begin(lane, step)
		}
	}
}

// begin puts a lane at the next part, from a step.
func (w *walk) begin(lane, step int) (head uint32) {
	if w.begun == len(w.parts) {
		return w.rotations[parked]
	}
	p := &w.parts[w.begun]
	p.lane, p.from = lane, step
	w.on[lane] = w.begun
	w.begun++
	return p.rotation
}

// walk goes on with all lanes from their heads, until one of them comes to a cut.
func (w *walk) walk(heads *[lanes]uint32, step int) int {
	r, out := w.rotations, w.trail
	a, b, c, d := heads[0], heads[1], heads[2], heads[3]
	e, f, g, h := heads[4], heads[5], heads[6], heads[7]
	for more := true; more && step < MaxBlock; step++ {
		out[0][step], out[1][step], out[2][step], out[3][step] = byte(a), byte(b), byte(c), byte(d)
		out[4][step], out[5][step], out[6][step], out[7][step] = byte(e), byte(f), byte(g), byte(h)
		a, b, c, d = r[a>>8&parked], r[b>>8&parked], r[c>>8&parked], r[d>>8&parked]
		e, f, g, h = r[e>>8&parked], r[f>>8&parked], r[g>>8&parked], r[h>>8&parked]
		more = (a|b|c|d|e|f|g|h)&mark == 0
	}
	*heads = [lanes]uint32{a, b, c, d, e, f, g, h}
	return step
}
