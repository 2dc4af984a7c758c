package detect

// someASNs says of nearly all ASNs that they are not in a set, at the cost of a look at one bit: whole tables of paths are held
// against sets of a few ASes. nil knows nothing.
type someASNs [1 << 12 / 64]uint64

func someOf[V any](set map[uint32]V) *someASNs {
	var s someASNs
	for as := range set {
		s[as%(1<<12)/64] |= 1 << (as % 64)
	}
	return &s
}

// may says false only of ASNs that are not in the set.
func (s *someASNs) may(as uint32) bool { return s == nil || s[as%(1<<12)/64]&(1<<(as%64)) != 0 }
