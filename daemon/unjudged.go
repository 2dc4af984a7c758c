package daemon

import (
	"slices"

	"peervane/bgp"
	"peervane/bgp/detect"
	"peervane/daemon/notice"
)

// unjudgedYet says of an incident of a scope that it cannot be judged at a vantage in sync: for want of RPKI data, while a first table is still
// arriving that decides on it, or because too many of those that showed it are out of sight. It stands until it can be.
func (e *engine) unjudgedYet(st *detect.State) func(*notice.Notice, string) bool {
	noData := e.withoutData(st)
	return func(n *notice.Notice, vantage string) bool {
		return noData != nil && noData(n, vantage) || e.untold(st, n, vantage)
	}
}

func (e *engine) untold(st *detect.State, n *notice.Notice, vantage string) bool {
	i := slices.IndexFunc(st.Vantages, func(v detect.Vantage) bool { return v.Name == vantage })
	if i < 0 || !st.Vantages[i].InSync {
		return false
	}
	f := bgp.FamilyOf(st.Prefix)
	switch n.Type {
	case notice.PathChange: // its best path may be still to come
		return e.vantages.named(vantage).loads(f, st.Now)
	case notice.MissingUpstream: // anybody may be still to show it
		return slices.ContainsFunc(st.Vantages, func(v detect.Vantage) bool { return e.vantages.named(v.Name).loads(f, st.Now) })
	case notice.Visibility:
		return st.Memory != nil && st.Unseeable()
	}
	return false
}
