package notice

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strconv"
)

// Identity is what makes two conditions one incident. Leave empty what a type does not count: a routing incident has
// no peer, a session incident no prefix.
type Identity struct {
	Type      string
	Prefix    netip.Prefix // registered
	Offending netip.Prefix
	Culprit   uint32
	Peer      string     // of session_down, prefix_limit, table_drop, feed_stale
	POP       string     // of probe types
	Source    netip.Addr // of probe types: the source address that was probed from
	Channel   string     // of channel_failing
	Group     bool       // many of the type and the culprit
}

// Fingerprint is 32 hex digits: SHA-256, cut to 16 bytes, over the parts, each with its length before it so that no
// two identities are told alike. It depends on nothing else: two hosts that see one condition give one fingerprint.
func (id Identity) Fingerprint() string {
	var b []byte
	for _, part := range [...]string{
		id.Type, text(id.Prefix), text(id.Offending), strconv.FormatUint(uint64(id.Culprit), 10), id.Peer, id.POP, text(id.Source),
	} {
		b = appendPart(b, part)
	}
	if id.Channel != "" { // a part that came later: no other type has it
		b = appendPart(b, id.Channel)
	}
	if id.Group {
		b = appendPart(appendPart(b, ""), "group") // where no channel is
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

func appendPart(b []byte, part string) []byte {
	b = strconv.AppendInt(b, int64(len(part)), 10)
	b = append(b, ':')
	return append(b, part...)
}

// text is "" for the zero value, where String would say "invalid".
func text[T interface {
	IsValid() bool
	String() string
}](v T) string {
	if !v.IsValid() {
		return ""
	}
	return v.String()
}
