package probe

import (
	"net/netip"
	"time"

	"peervane/probe/stats"
)

// Where a round-trip time comes from.
const (
	SourceKernel   = stats.SourceKernel
	SourceTCPInfo  = stats.SourceTCPInfo
	SourceKernelRx = stats.SourceKernelRx
	SourceUser     = stats.SourceUser
)

// Outcome is what became of one probe.
type Outcome struct {
	Seq      int // place in the batch, from 0
	Sent     time.Time
	RTT      time.Duration // of Reply, Late and Refused
	Kind     stats.Kind
	TSSource string     // where RTT comes from
	Offender netip.Addr // who sent the ICMP error
}

// Batch is what one round of probes to one target measured. Its times carry
// the wall clock, for storage; spans were taken on the monotonic one.
type Batch struct {
	Target Target
	stats.Sample
	Burst bool   // asked for by Burst, not by the interval
	Err   string // why nothing, or not all, could be sent
}

// add counts one outcome.
func (b *Batch) add(o Outcome) {
	b.Sent++
	switch o.Kind {
	case stats.Reply:
		b.Received++
	case stats.Late:
		b.Late++
	case stats.Refused:
		b.Refused++
	case stats.Unreachable:
		b.Unreachable++
		b.Offender = o.Offender
		b.missed(o.Sent)
	case stats.LocalDrop:
		b.LocalDrop++
	default:
		b.Lost++
		b.missed(o.Sent)
	}
	if o.Kind == stats.Reply || o.Kind == stats.Late || o.Kind == stats.Refused {
		b.RTTs = append(b.RTTs, o.RTT)
		b.TSSource = stats.Weaker(b.TSSource, o.TSSource)
	}
}

// missed notes when a probe was sent that nothing answered. Outcomes come in the order sent.
func (b *Batch) missed(sent time.Time) {
	if b.FirstLost.IsZero() {
		b.FirstLost = sent
	}
	b.LastLost = sent
}
