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
	var room [64]byte // of one part
	b := appendPart(make([]byte, 0, 256), id.Type)
	b = appendPart(b, prefixText(room[:0], id.Prefix))
	b = appendPart(b, prefixText(room[:0], id.Offending))
	b = appendPart(b, strconv.AppendUint(room[:0], uint64(id.Culprit), 10))
	b = appendPart(b, id.Peer)
	b = appendPart(b, id.POP)
	b = appendPart(b, addrText(room[:0], id.Source))
	if id.Channel != "" { // a part that came later: no other type has it
		b = appendPart(b, id.Channel)
	}
	if id.Group {
		b = appendPart(appendPart(b, ""), "group") // where no channel is
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

func appendPart[T string | []byte](b []byte, part T) []byte {
	b = strconv.AppendInt(b, int64(len(part)), 10)
	b = append(b, ':')
	return append(b, part...)
}

// prefixText and addrText are empty for the zero value, where String would say "invalid".
func prefixText(room []byte, p netip.Prefix) []byte {
	if !p.IsValid() {
		return nil
	}
	return p.AppendTo(room)
}

func addrText(room []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return nil
	}
	return a.AppendTo(room)
}
