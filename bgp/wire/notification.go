package wire

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

// AppendNotification appends the NOTIFICATION of an error; data that does not fit is cut.
func AppendNotification(dst []byte, e *Error) []byte { panic("unimplemented") }

// ShutdownCommunication encodes text as the Data of Cease/2 and Cease/4 (RFC 9003): at most 255 bytes of UTF-8, cut at
// a character's end.
func ShutdownCommunication(text string) []byte { panic("unimplemented") }

// Text is what a person reads: the names of code and subcode and, of a Cease, the neighbour's words (RFC 9003),
// cleaned of control characters.
func (n Notification) Text() string { panic("unimplemented") }

// HardReset says whether this is a Hard Reset (RFC 8538 section 3), after which no route may be kept, and gives the
// NOTIFICATION inside; that has code 0 where it is missing.
func (n Notification) HardReset() (inner Notification, ok bool) { panic("unimplemented") }

// UnsupportedCapabilities lists the codes that an Unsupported Capability (2/7) names (RFC 5492 section 5).
func (n Notification) UnsupportedCapabilities() []uint8 { panic("unimplemented") }

func codeName(code, sub uint8) string { panic("unimplemented") }
