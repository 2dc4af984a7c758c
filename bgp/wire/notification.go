package wire

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Notification is a NOTIFICATION as it came.
type Notification struct {
	Code, Subcode uint8
	Data          []byte // a view into the message
}

// ParseNotification reads the body of a NOTIFICATION. It never fails: one that is cut short has code 0, since there
// is nobody left to complain to.
func ParseNotification(body []byte) Notification {
	if len(body) < 2 {
		return Notification{}
	}
	return Notification{Code: body[0], Subcode: body[1], Data: body[2:]}
}

// AppendNotification appends the NOTIFICATION of an error; data that does not fit into MaxLen is cut.
func AppendNotification(dst []byte, e *Error) []byte {
	dst, start := beginMessage(dst, TypeNotification)
	dst = append(dst, e.Code, e.Subcode)
	data := e.Data[:min(len(e.Data), MaxLen-HeaderLen-2)]
	return endMessage(append(dst, data...), start)
}

// maxCommunication is the longest shutdown communication in bytes (RFC 9003 section 2).
const maxCommunication = 255

// ShutdownCommunication encodes text as the Data of Cease/2 and Cease/4 (RFC 9003): at most 255 bytes of UTF-8, cut at
// a character's end.
func ShutdownCommunication(text string) []byte {
	text = strings.ToValidUTF8(text, "\uFFFD")
	for len(text) > maxCommunication {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return append([]byte{byte(len(text))}, text...)
}

// Text is what a person reads: the names of code and subcode and what the data says of them, such as the neighbour's own
// words (RFC 9003), cleaned of control characters.
func (n Notification) Text() string {
	text := codeName(n.Code, n.Subcode)
	if detail := n.detail(); detail != "" {
		text += ": " + detail
	}
	return text
}

func (n Notification) detail() string {
	if words, ok := n.communication(); ok {
		return words
	}
	switch inner, hard := n.HardReset(); {
	case hard && inner.Code != 0 && !(inner.Code == CodeCease && inner.Subcode == SubHardReset):
		return inner.Text()
	case n.Code == CodeCease && n.Subcode == SubMaxPrefixes && len(n.Data) == 7: // RFC 4486 section 4
		return fmt.Sprintf("AFI %d, SAFI %d, limit %d",
			binary.BigEndian.Uint16(n.Data), n.Data[2], binary.BigEndian.Uint32(n.Data[3:]))
	case n.Code == CodeOpen && n.Subcode == SubBadVersion && len(n.Data) == 2:
		return fmt.Sprintf("supports version %d", binary.BigEndian.Uint16(n.Data))
	case n.Code == CodeOpen && n.Subcode == SubUnsupportedCapability && len(n.Data) > 1:
		return fmt.Sprintf("capability codes %v", codes(n.UnsupportedCapabilities()))
	case len(n.Data) > 32:
		return hex.EncodeToString(n.Data[:32]) + "..."
	}
	return hex.EncodeToString(n.Data)
}

// codes keeps byte slices from being printed as anything but numbers.
func codes(b []uint8) []int {
	list := make([]int, len(b))
	for i, code := range b {
		list[i] = int(code)
	}
	return list
}

// communication reads the shutdown communication; ok is false where there is none, or its length exceeds the data.
// What follows it is left out.
func (n Notification) communication() (words string, ok bool) {
	if n.Code != CodeCease || n.Subcode != SubAdminShutdown && n.Subcode != SubAdminReset {
		return "", false
	}
	if len(n.Data) == 0 || int(n.Data[0]) > len(n.Data)-1 {
		return "", false
	}
	return clean(n.Data[1 : 1+int(n.Data[0])]), true
}

// clean makes foreign text fit for a line of a log: valid UTF-8, and each character that would move the cursor or turn the
// direction of writing replaced by a space.
func clean(text []byte) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(text), "\uFFFD"))
}

// HardReset says whether this is a Hard Reset (RFC 8538 section 3), after which no route may be kept, and gives the
// NOTIFICATION inside; that has code 0 where it is missing.
func (n Notification) HardReset() (inner Notification, ok bool) {
	if n.Code != CodeCease || n.Subcode != SubHardReset {
		return Notification{}, false
	}
	return ParseNotification(n.Data), true
}

// HardReset wraps an error into a Hard Reset (RFC 8538 section 3.1), for a neighbour that would keep routes over e.
func HardReset(e *Error) *Error {
	data := append([]byte{e.Code, e.Subcode}, e.Data...)
	return &Error{CodeCease, SubHardReset, data, e.Reason}
}

// UnsupportedCapabilities lists the codes that an Unsupported Capability (2/7) names (RFC 5492 section 5).
func (n Notification) UnsupportedCapabilities() []uint8 {
	if n.Code != CodeOpen || n.Subcode != SubUnsupportedCapability {
		return nil
	}
	var list []uint8
	for b := n.Data; len(b) > 0; {
		code, _, rest, ok := cutTLV(b, 1)
		if !ok {
			break
		}
		list, b = append(list, code), rest
	}
	return list
}
