package bunzip

// column is the last one of all rotations of a text, after they are sorted.
type column struct {
	recent recent
	all    *[MaxBlock]byte
	n      int         // of all
	limit  int         // of n
	counts [256]uint32 // of each byte
	run    int         // how many more of the most recent byte come first
	digits int         // of run, of which each is 1 or 2
}

const maxRun = 2 << 20 // more overflows

// recent lists bytes, of which the one that is asked for moves to the front.
type recent [256]byte

func (r *recent) move(at uint) byte {
	b := r[at&255]
	copy(r[1:], r[:at&255])
	r[0] = b
	return b
}

func (c *column) reset(alphabet *recent, limit int) {
	if c.all == nil {
		c.all = new([MaxBlock]byte)
	}
	*c = column{recent: *alphabet, all: c.all, limit: limit}
}

func (c *column) bytes() []byte { return c.all[:c.n] }

// readColumn reads the symbols, up to the one that says that there are no more.
func (d *Decoder) readColumn(limit int) error {
	if len(d.groups) == 0 {
		return errNoTree
	}
	d.column.reset(&d.alphabet, limit)
	for _, g := range d.groups {
		if ended, err := d.readGroup(&d.trees[g]); ended || err != nil || d.bits.short() {
			return err
		}
	}
	return errGroups
}

func (d *Decoder) readGroup(t *tree) (ended bool, err error) {
	c := &d.column
	var word uint64
	have := 0 // bits of word
	for range groupLen {
		if have < maxCodeLen {
			word, have = d.bits.word(), 57
		}
		symbol, length := t.symbol(word)
		word <<= length
		have -= length
		d.bits.pos += length
		if symbol < 2 {
			c.run += int(symbol+1) << c.digits
			c.digits++
			if c.run > maxRun {
				return false, errRun
			}
			continue
		}
		if c.run > 0 {
			if err := c.repeat(); err != nil {
				return false, err
			}
		}
		if int(symbol) == d.symbols-1 {
			return true, nil
		}
		if c.n >= c.limit {
			return false, errBlockLen
		}
		b := c.recent.move(uint(symbol) - 1)
		c.all[c.n] = b
		c.counts[b]++
		c.n++
	}
	return false, nil
}

func (c *column) repeat() error {
	if c.run > c.limit-c.n {
		return errRunEnd
	}
	b, run := c.recent[0], c.all[c.n:c.n+c.run]
	for i := range run {
		run[i] = b
	}
	c.counts[b] += uint32(c.run)
	c.n += c.run
	c.run, c.digits = 0, 0
	return nil
}
