package notice

import "net/netip"

// Version names the body that this package writes.
const Version = "notice.v1"

// Status says where in its life an incident is told of.
type Status string

// The statuses of an incident.
const (
	Firing   Status = "firing"
	Updated  Status = "updated"
	Resolved Status = "resolved"
)

// Reasons why an incident was updated or resolved. A firing has none, but for ReasonFlapping.
const (
	ReasonSeverity     = "severity"     // updated: the severity changed
	ReasonCulprit      = "culprit"      // updated: the culprit changed
	ReasonLatency      = "latency"      // updated: the latency after the change became known
	ReasonTrace        = "trace"        // updated: the way to the POP was traced
	ReasonEvidence     = "evidence"     // updated: the evidence grew materially
	ReasonVantageLost  = "vantage_lost" // updated or resolved: what a lost vantage held is unknown
	ReasonAcknowledged = "acknowledged" // updated: somebody works at it
	ReasonFlapping     = "flapping"     // firing or updated: it came and went so often that it is told again only once it is steady
	ReasonSteady       = "steady"       // updated: it no longer comes and goes, and holds
	ReasonReplayed     = "replayed"     // updated: dead letters were replayed, and this is what has been true since
	ReasonCleared      = "cleared"      // resolved: the condition no longer holds at any vantage
	ReasonSettled      = "settled"      // resolved: it has held so long that it is the new normal
	ReasonConfig       = "config"       // resolved: the configuration no longer asks for it
)

// Notice is one message about an incident: the body notice.v1. Its zero parts are told as null (times, latency), "",
// 0, [] or {}: every key is always present.
type Notice struct {
	Version     string   `json:"version"`     // set by Body
	Delivery    string   `json:"delivery"`    // unique to this notice; the same at every channel and on every retry
	Incident    string   `json:"incident"`    // the same from firing to resolved
	Fingerprint string   `json:"fingerprint"` // the same whenever and wherever this condition holds
	Status      Status   `json:"status"`
	Type        string   `json:"type"`
	Severity    Severity `json:"severity"`
	Summary     string   `json:"summary"` // one plain sentence

	Prefix     netip.Prefix      `json:"prefix"` // registered
	Offending  netip.Prefix      `json:"offending_prefix"`
	Connection string            `json:"connection"`
	Peer       string            `json:"peer"`
	POP        string            `json:"pop"`
	CulpritASN uint32            `json:"culprit_asn"` // 0: none
	Labels     map[string]string `json:"labels"`

	StartedAt  Time   `json:"started_at"` // when the condition began, before any hold
	UpdatedAt  Time   `json:"updated_at"`
	ResolvedAt Time   `json:"resolved_at"` // null until then
	Reason     string `json:"reason"`

	Vantages Vantages `json:"vantages"`
	Evidence Evidence `json:"evidence"`
	Source   string   `json:"source"` // the host that tells it

	// What is not told: for whom it is where that is not in the fields above, why it is told to the log alone, and that the log
	// was told of its incident while that was held back.
	Audience []Audience `json:"-"`
	Held     string     `json:"-"`
	Known    bool       `json:"-"`
}

// Vantages counts those that show the condition, and those that could.
type Vantages struct {
	Bad   int `json:"bad"`
	Total int `json:"total"`
}
