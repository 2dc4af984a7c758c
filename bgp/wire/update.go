package wire

import (
	"net/netip"

	"peervane/bgp"
)

// NLRI is one prefix as an UPDATE names it; its family is bgp.FamilyOf(Prefix).
type NLRI struct {
	Prefix netip.Prefix // masked: bits beyond the length are zero
	PathID uint32       // RFC 7911; 0 without ADD-PATH
}

// Update is one scanned UPDATE: views into the message, valid until its bytes change or Scan is called again.
// The zero value is ready for Scan, and is meant to be used over and over. It belongs to one goroutine.
type Update struct {
}

// Scan reads the body of one UPDATE (what follows the header) in one pass and without allocation; only SessionReset
// allocates its error. It validates every length, so that whatever reads u afterwards cannot fail.
// Families that were not agreed on are passed over, with a remark.
func (p Params) Scan(body []byte, u *Update) Verdict { panic("unimplemented") }

// ScanRIB reads a bare attribute block, as a RIB dump holds one for each route: its MP_REACH_NLRI may be abbreviated
// to the next hop (RFC 6396 section 4.3.4). The route itself, of family f, stands outside of the block, so Announced
// and Withdrawn give nothing; after TreatAsWithdraw the route is not to be trusted.
func (p Params) ScanRIB(block []byte, f bgp.Family, u *Update) Verdict { panic("unimplemented") }

// Verdict repeats what Scan said: the strongest of the faults.
func (u *Update) Verdict() Verdict { panic("unimplemented") }

// Faults are what was found wrong, in order; after many, further ones are not kept. OK ones are remarks.
func (u *Update) Faults() []Fault { panic("unimplemented") }

// Err is the NOTIFICATION to send after SessionReset, else nil.
func (u *Update) Err() *Error { panic("unimplemented") }

// Withdrawn yields what the UPDATE withdraws, in wire order: for n := range u.Withdrawn. After TreatAsWithdraw
// that includes what it announces. Apply it before Announced.
func (u *Update) Withdrawn(yield func(NLRI) bool) { panic("unimplemented") }

// Announced yields what the UPDATE announces, in wire order: for n := range u.Announced.
func (u *Update) Announced(yield func(NLRI) bool) { panic("unimplemented") }

// EndOfRIB says whether the UPDATE is the End-of-RIB marker of a family (RFC 4724 section 2).
func (u *Update) EndOfRIB() (f bgp.Family, ok bool) { panic("unimplemented") }

// Key identifies the attributes of the announced routes of family f: equal keys have equal Attrs. It holds neither
// NLRI nor what Attrs leaves out, so that more routes share one. It is valid until the next call of Key or Scan.
func (u *Update) Key(f bgp.Family) []byte { panic("unimplemented") }

// Attrs decodes the attributes of the announced routes of family f, AS4_PATH and AS4_AGGREGATOR merged in
// (RFC 6793). It cannot fail: Scan has validated what it reads. The result shares nothing with the message.
// After anything worse than AttributeDiscard it gives nil.
func (u *Update) Attrs(f bgp.Family) *bgp.Attrs { panic("unimplemented") }
