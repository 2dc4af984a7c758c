// Package detect judges routes: from the state that one prefix has now it says which conditions hold.
//
// The unit of judgement is one route prefix under one registration, the longest registered prefix that holds it. Every
// change of that prefix, of a covering route, of a vantage's sync, of the policy or of the clock judges the whole scope
// again; nothing counts messages, so whatever a detector finds ends when its condition ends.
//
// It is pure: no socket, file, goroutine or clock. Findings depend on the state alone and come sorted, so the same state
// gives the same bytes. It gives findings no id, no hold and no end: that is the incident book's work.
//
// A detector is one file and one line in the table all. It judges either a single route (origin_change) or the whole
// state (withdrawn). The order of the table is the precedence for one offending route.
package detect
