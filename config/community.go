package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Community is a BGP community (RFC 1997, two 16-bit parts) or a large one
// (RFC 8092, three 32-bit parts).
type Community struct {
	Large bool
	Parts [3]uint32 // the third is used by large ones only
}

func (c Community) String() string {
	if c.Large {
		return fmt.Sprintf("%d:%d:%d", c.Parts[0], c.Parts[1], c.Parts[2])
	}
	return fmt.Sprintf("%d:%d", c.Parts[0], c.Parts[1])
}

// parseCommunity reads the canonical notation: decimal parts and colons. Its
// error says what to write.
func parseCommunity(s string) (Community, error) {
	parts := strings.Split(s, ":")
	c := Community{Large: len(parts) == 3}
	if len(parts) < 2 || len(parts) > 3 {
		return c, errors.New(`a community such as "64500:100", or a large one such as "64500:1:2"`)
	}
	bits := 16
	if c.Large {
		bits = 32
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, bits)
		if err != nil {
			return c, fmt.Errorf("decimal parts of %d bits each; a 4-octet ASN needs a large community, such as \"4200000001:1:2\"", bits)
		}
		c.Parts[i] = uint32(n)
	}
	return c, nil
}
