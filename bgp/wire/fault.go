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

func (v Verdict) String() string {
	return [...]string{"ok", "attribute discard", "treat as withdraw", "session reset"}[v]
}

// Fault is one thing wrong, or remarkable, in an UPDATE.
type Fault struct {
	Verdict Verdict
	Reason  Reason
	Attr    uint8 // the path attribute's type code; 0 outside of attributes
	Offset  int   // where it begins in the body
}

func (f Fault) String() string {
	if f.Attr == 0 {
		return fmt.Sprintf("%s at byte %d: %s", f.Reason, f.Offset, f.Verdict)
	}
	return fmt.Sprintf("attribute %d at byte %d: %s: %s", f.Attr, f.Offset, f.Reason, f.Verdict)
}

// Reason says what is wrong; its text is constant, fit for a metric's label.
type Reason uint8

func (r Reason) String() string { panic("unimplemented") }
