package notice

import "iter"

// The types of incidents. Heartbeat is no incident: it tells a dead man's switch that the way to it is open.
const (
	OriginChange    = "origin_change"
	SubPrefix       = "subprefix"
	CoveringChange  = "covering_change"
	NewMoreSpecific = "new_more_specific"
	ForgedOrigin    = "forged_origin"
	RouteLeak       = "route_leak"
	RPKIInvalid     = "rpki_invalid"
	ROALost         = "roa_lost"
	Withdrawn       = "withdrawn"
	Visibility      = "visibility"
	MissingUpstream = "missing_upstream"
	Policy          = "policy"
	PathRule        = "path_rule"
	PathChange      = "path_change"
	Flapping        = "flapping"
	Blackholed      = "blackholed"
	UnlistedPrefix  = "unlisted_prefix"
	NewUpstream     = "new_upstream"
	NewDownstream   = "new_downstream"
	SessionDown     = "session_down"
	PrefixLimit     = "prefix_limit"
	TableDrop       = "table_drop"
	FeedStale       = "feed_stale"
	RPKIStale       = "rpki_stale"
	LatencyShift    = "latency_shift"
	Loss            = "loss"
	POPUnreachable  = "pop_unreachable"
	ReturnPath      = "return_path"
	POPChange       = "pop_change"
	Uplink          = "uplink"
	ChannelFailing  = "channel_failing"
	Heartbeat       = "heartbeat"
)

// Test is no incident either, and none that can be configured: it is what is sent to try a channel.
const Test = "test"

// LabelChannel is the label of channel_failing that names the channel.
const LabelChannel = "channel"

// severities holds the default severity of each type. Where a type has variants, it is that of the gravest; the
// detector names the others.
var severities = [...]struct {
	name     string
	severity Severity
}{
	{OriginChange, Critical},
	{SubPrefix, Critical},
	{CoveringChange, Error},
	{NewMoreSpecific, Warning},
	{ForgedOrigin, Error},
	{RouteLeak, Critical},
	{RPKIInvalid, Error},
	{ROALost, Warning},
	{Withdrawn, Critical},
	{Visibility, Error},
	{MissingUpstream, Warning},
	{Policy, Warning},
	{PathRule, Warning},
	{PathChange, Info},
	{Flapping, Warning},
	{Blackholed, Warning},
	{UnlistedPrefix, Warning},
	{NewUpstream, Warning},
	{NewDownstream, Warning},
	{SessionDown, Error},
	{PrefixLimit, Error},
	{TableDrop, Error},
	{FeedStale, Warning},
	{RPKIStale, Warning},
	{LatencyShift, Warning},
	{Loss, Warning},
	{POPUnreachable, Error},
	{ReturnPath, Error},
	{POPChange, Info},
	{Uplink, Critical},
	{ChannelFailing, Error},
	{Heartbeat, Info},
}

// Types yields every type with its default severity, in the order of the documentation.
func Types() iter.Seq2[string, Severity] {
	return func(yield func(string, Severity) bool) {
		for _, t := range severities {
			if !yield(t.name, t.severity) {
				return
			}
		}
	}
}

// DefaultSeverity is that of a type; false when there is no such type.
func DefaultSeverity(name string) (Severity, bool) {
	for known, severity := range Types() {
		if known == name {
			return severity, true
		}
	}
	return Off, false
}
