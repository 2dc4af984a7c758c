package config

import (
	"fmt"
	"slices"
)

// notYet lists the tables, the keys and the values that are checked already
// but have no effect yet. What takes effect loses its line here, and its mark
// in reference.toml.
var notYet = []string{}

// notice lists what has been set without effect. key is a table, or a table
// and one of its keys; what is how the message calls it.
func (l *loading) notice(key, what string, v value) {
	if s, ok := v.raw.(string); ok && slices.Contains(notYet, key+"="+s) {
		what = fmt.Sprintf("%s = %q", v.name, s)
	} else if !slices.Contains(notYet, key) {
		return
	}
	l.cfg.NotInEffect = append(l.cfg.NotInEffect, Problem{
		Pos:      v.keyPos(),
		Severity: Warning,
		Text:     what + " is not yet in effect; it is checked, and otherwise ignored",
	})
}
