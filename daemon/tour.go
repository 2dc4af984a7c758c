package daemon

import (
	"peervane/bgp"
	"peervane/config"
)

// tour goes through the exact scopes of all registered prefixes of a family, in the order of the configuration. There may
// be a million: it holds a place in the list, and no list of its own. The zero value has nothing to go through.
type tour struct {
	rest  []config.Registration
	again []config.Registration // to go through once more: something changed when a part was judged already
}

// begin asks for all of them, however many have been gone through.
func (t *tour) begin(registered []config.Registration) {
	if len(t.rest) == 0 || len(t.rest) == len(registered) && len(t.again) == 0 {
		t.rest = registered
		return
	}
	t.again = registered
}

func (t *tour) take(f bgp.Family) (scope, bool) {
	for {
		if len(t.rest) == 0 {
			t.rest, t.again = t.again, nil
		}
		if len(t.rest) == 0 {
			t.rest = nil // a configuration that is not in force any more is not kept
			return scope{}, false
		}
		p := t.rest[0].Prefix
		t.rest = t.rest[1:]
		if bgp.FamilyOf(p) == f {
			return scope{p, p}, true
		}
	}
}
