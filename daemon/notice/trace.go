package notice

import "net/netip"

// Trace is the way that packets took to a POP, hop by hop, and the way that they took when all was well.
type Trace struct {
	POP      string     `json:"pop"`
	Address  netip.Addr `json:"address"`
	Source   netip.Addr `json:"source"` // "": the system's choice
	Method   string     `json:"method"` // icmp, udp
	At       Time       `json:"at"`
	Reached  bool       `json:"reached"`
	Hops     []TraceHop `json:"hops"`
	BeforeAt Time       `json:"before_at"` // null: there is none to compare with
	Before   []TraceHop `json:"before"`
	Entered  *TraceHop  `json:"entered"` // the hop where the delay entered, with the delay as rtt_ms; null: at none
}

// TraceHop is a router on the way. Address "" is one that stays silent.
type TraceHop struct {
	TTL     int        `json:"ttl"`
	Address netip.Addr `json:"address"`
	ASN     uint32     `json:"asn"` // that originates the address, by our own tables; 0: not known
	RTTMS   *float64   `json:"rtt_ms"`
}
