package rpki

import (
	"fmt"
	"strconv"
	"strings"
)

// asNumber is an ASN in JSON: 64496, "64496" or "AS64496".
type asNumber uint32

// UnmarshalJSON reads a number, or a string with or without the prefix AS.
func (a *asNumber) UnmarshalJSON(text []byte) error {
	s := strings.Trim(string(text), `"`)
	if len(s) > 2 && strings.EqualFold(s[:2], "AS") {
		s = s[2:]
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return fmt.Errorf("%.40q is no ASN: write it as 64496 or \"AS64496\"", text)
	}
	*a = asNumber(n)
	return nil
}

func asNumbers(in []asNumber) []uint32 {
	out := make([]uint32, len(in))
	for i, a := range in {
		out[i] = uint32(a)
	}
	return out
}
