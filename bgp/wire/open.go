package wire

// Version is the only version of BGP there is.
const Version = 4

// Open is an OPEN message.
type Open struct {
	Version  uint8
	ASN      uint32 // the 4-octet one where the capability gives it (RFC 6793)
	HoldTime uint16 // seconds; 0 or at least 3
	RouterID [4]byte
	Caps     Capabilities
}

// ParseOpen reads the body of an OPEN (RFC 4271 section 6.2, RFC 5492, RFC 9072). It judges syntax, the version, the
// hold time, and what may not be zero; whether the ASN is the right one is the session's to say.
func ParseOpen(body []byte) (*Open, *Error) { panic("unimplemented") }

// Append appends the whole OPEN message; with more than 255 bytes of capabilities in the form of RFC 9072.
func (o *Open) Append(dst []byte) []byte { panic("unimplemented") }
