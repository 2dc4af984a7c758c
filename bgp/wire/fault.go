package wire

import "fmt"

// Verdict is what RFC 7606 section 2 says to do, the stronger the greater.
type Verdict uint8

// The verdicts.
const (
	OK               Verdict = iota // nothing wrong, or remarked upon and kept
	AttributeDiscard                // the attribute is ignored, the routes stand
	TreatAsWithdraw                 // the announced routes count as withdrawn
	SessionReset                    // nothing in it can be trusted: Update.Err is the NOTIFICATION
)

var verdictNames = [...]string{"ok", "attribute discard", "treat as withdraw", "session reset"}

func (v Verdict) String() string { return verdictNames[v] }

// Fault is one thing wrong, or remarkable, in an UPDATE.
type Fault struct {
	Verdict Verdict
	Reason  Reason
	Attr    uint8 // the path attribute's type code; 0 outside of attributes
	Offset  int   // where it begins in the body
}

func (f Fault) String() string {
	if f.Attr == 0 {
		return fmt.Sprintf("byte %d: %s: %s", f.Offset, f.Reason, f.Verdict)
	}
	return fmt.Sprintf("byte %d: %s: %s: %s", f.Offset, AttributeName(f.Attr), f.Reason, f.Verdict)
}

// Reason says what is wrong; its text is constant, fit for a metric's label.
type Reason uint8

// The reasons.
const (
	_                    Reason = iota
	ReasonSections              // RFC 4271 section 6.3
	ReasonAttributeList         // RFC 7606 section 4
	ReasonFlags                 // RFC 7606 section 3 (c)
	ReasonLength                // RFC 7606 section 7
	ReasonValue                 // RFC 7606 section 7.1
	ReasonDuplicate             // RFC 7606 section 3 (g)
	ReasonMissing               // RFC 7606 section 3 (d)
	ReasonNothingReached        // RFC 7606 section 5.2
	ReasonNLRI                  // RFC 7606 section 5.3
	ReasonSegment               // RFC 7606 section 7.2
	ReasonASZero                // RFC 7607
	ReasonNextHopLength         // RFC 7606 section 7.11
	ReasonExternal              // RFC 7606 sections 7.5, 7.9, 7.10
	ReasonNewSpeaker            // RFC 6793 section 4.1
	ReasonUnrecognized          // RFC 4271 section 6.3
	ReasonConfederation         // RFC 5065 section 5; kept
	ReasonASSet                 // RFC 9774; kept
	ReasonFamily                // RFC 4760 section 7; passed over
)

var reasonNames = [...]string{
	ReasonSections:       "lengths exceed the message",
	ReasonAttributeList:  "attribute exceeds the attribute list",
	ReasonFlags:          "wrong attribute flags",
	ReasonLength:         "wrong attribute length",
	ReasonValue:          "undefined value",
	ReasonDuplicate:      "attribute appears again",
	ReasonMissing:        "mandatory attribute is missing",
	ReasonNothingReached: "attribute error without reachable NLRI",
	ReasonNLRI:           "incorrect NLRI",
	ReasonSegment:        "malformed path segment",
	ReasonASZero:         "AS 0",
	ReasonNextHopLength:  "wrong next hop length",
	ReasonExternal:       "not valid from an external neighbor",
	ReasonNewSpeaker:     "not valid from a 4-octet AS speaker",
	ReasonUnrecognized:   "unrecognized well-known attribute",
	ReasonConfederation:  "confederation segment from outside",
	ReasonASSet:          "AS_SET or AS_CONFED_SET",
	ReasonFamily:         "address family was not negotiated",
}

func (r Reason) String() string { return reasonNames[r] }
