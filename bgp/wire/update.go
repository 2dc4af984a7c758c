package wire

import (
	"peervane/bgp"
)

// maxFaults is how many faults are kept of one UPDATE; the verdict counts all of them.
const maxFaults = 8

// Update is one scanned UPDATE: views into the message, valid until its bytes change or Scan is called again.
// The zero value is ready for Scan, and is meant to be used over and over. It belongs to one goroutine.
type Update struct {
	body   []byte
	key    []byte
	err    *Error
	faults [maxFaults]Fault // the first faultsLen count
	values [attributes]span // those in kept count
	state
}

// state is what each Scan begins anew with.
type state struct {
	params    Params
	rib       bool // a bare attribute block: ScanRIB
	reachable bool // it announces routes, of whatever family
	verdict   Verdict
	faultsLen uint8
	seen      [4]uint64 // attribute types that came, kept or not
	kept      uint64    // attribute types that were sound, and read here
	withdrawn span      // the Withdrawn Routes field
	nlri      span      // the NLRI field
	reach     multiprotocol
	unreach   multiprotocol
}

// span is a part of the body; bodies are shorter than 64 KiB.
type span struct{ from, to uint16 }

func (s span) empty() bool { return s.from == s.to }

func (u *Update) bytes(s span) []byte { return u.body[s.from:s.to] }

// Verdict repeats what Scan said: the strongest of the faults.
func (u *Update) Verdict() Verdict { return u.verdict }

// Faults are what was found wrong, in order; after several, further ones are not kept, but after SessionReset the last
// is the one that ended it. OK ones are remarks. The slice is valid until the next Scan.
func (u *Update) Faults() []Fault { return u.faults[:u.faultsLen] }

// Err is the NOTIFICATION to send after SessionReset, else nil.
func (u *Update) Err() *Error { return u.err }

// fault records what was found; the strongest verdict stands (RFC 7606 section 3 (h)).
func (u *Update) fault(v Verdict, r Reason, attr uint8, offset int) {
	u.verdict = max(u.verdict, v)
	if u.faultsLen < maxFaults {
		u.faults[u.faultsLen] = Fault{v, r, attr, offset}
		u.faultsLen++
	}
}

// reset records a fault after which the rest cannot be read. A block of a RIB dump has no session to reset: it is
// not trusted, that is all.
func (u *Update) reset(subcode uint8, r Reason, attr uint8, offset int, data []byte) {
	if u.rib {
		u.fault(TreatAsWithdraw, r, attr, offset)
		return
	}
	// It may be the one fault too many: it takes the last place.
	u.faultsLen = min(u.faultsLen, maxFaults-1)
	u.fault(SessionReset, r, attr, offset)
	u.err = &Error{
		Code: CodeUpdate, Subcode: subcode, Data: append([]byte(nil), data...),
		Reason: u.faults[u.faultsLen-1].String(),
	}
}

// EndOfRIB says whether the UPDATE is the End-of-RIB marker of a family (RFC 4724 section 2): it is empty, or it
// holds an MP_UNREACH_NLRI without routes and nothing else.
func (u *Update) EndOfRIB() (f bgp.Family, ok bool) {
	if u.rib || u.verdict != OK || u.faultsLen > 0 || !u.withdrawn.empty() || !u.nlri.empty() {
		return 0, false
	}
	switch u.seen {
	case [4]uint64{}:
		return bgp.IPv4, u.params.Families[bgp.IPv4]
	case [4]uint64{1 << attrMPUnreach}:
		return u.unreach.family, u.unreach.state == learnt && u.unreach.nlri.empty()
	}
	return 0, false
}
