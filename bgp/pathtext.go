package bgp

import (
	"fmt"
	"strconv"
	"strings"
)

// opens are the signs that begin a segment that is no plain sequence.
var opens = map[byte]SegmentType{'{': ASSet, '(': ConfedSequence, '[': ConfedSet}

// ParsePath reads an AS path as String prints it.
func ParsePath(text string) (*Path, error) {
	var segments []Segment
	kind := ASSequence
	begun := false // the segment that the next ASN belongs to
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		if other, ok := opens[word[0]]; ok {
			kind, begun, word = other, false, word[1:]
		}
		digits := strings.TrimRight(word, "})]")
		asn, err := strconv.ParseUint(digits, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("read AS path %q: %w: write it as routers do, 64500 {64501,64502}", text, err)
		}
		if !begun {
			segments = append(segments, Segment{Type: kind})
			begun = true
		}
		last := &segments[len(segments)-1]
		last.ASNs = append(last.ASNs, uint32(asn))
		if digits != word {
			kind, begun = ASSequence, false
		}
	}
	return NewPath(segments), nil
}
