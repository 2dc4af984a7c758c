package daemon

import (
	"net/netip"
	"slices"
	"time"

	"peervane/bgp"
	"peervane/daemon/notice"
)

// event is a fact for the events log.
type event struct {
	at       time.Time
	typ      string
	severity notice.Severity
	prefix   netip.Prefix
	peer     string
	pop      string
	detail   string
}

func (e *engine) record(ev event) { e.out.events = append(e.out.events, ev) }

// recordChange records when a vantage begins or ceases to hold a registered prefix.
func (e *engine) recordChange(v *vantage, c bgp.Change, old held) {
	reg := e.regs.exact(c.Prefix)
	if reg == nil || reg.Policy.Ignore || (old.attrs == nil) == (c.Attrs == nil) || e.holdsAnother(v, c) {
		return
	}
	typ, severity := "prefix_announced", notice.Info
	if c.Attrs == nil {
		typ, severity = "prefix_withdrawn", notice.Warning
	}
	if reg.Connection != nil && slices.Contains(reg.Connection.Backup, v.Name) {
		typ = map[string]string{"prefix_announced": "backup_announced", "prefix_withdrawn": "backup_withdrawn"}[typ]
	}
	ev := event{at: c.At, typ: typ, severity: severity, prefix: c.Prefix, peer: v.Name}
	if c.Attrs != nil {
		ev.detail = c.Attrs.Path.String()
	}
	e.record(ev)
}

// holdsAnother says whether a vantage holds the prefix by another path id too, so that neither one more nor one less is a
// fact about the prefix.
func (e *engine) holdsAnother(v *vantage, c bgp.Change) bool {
	return slices.ContainsFunc(e.table.get(c.Prefix).of(v), func(h held) bool { return h.pathID != c.PathID && h.attrs != nil })
}
