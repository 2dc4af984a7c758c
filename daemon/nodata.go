package daemon

import (
	"slices"

	"peervane/bgp/detect"
	"peervane/bgp/rpki"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
)

// Without RPKI data nothing is valid or invalid: after a restart until the first has come, and once it has expired. What was found
// by it stands until there is some again, unless its route goes.

// withoutData says which incidents of a scope cannot be judged for want of data.
func (e *engine) withoutData(st *detect.State) func(*notice.Notice, string) bool {
	if !sourced(e.cfg.RPKI) || len(st.Routes) == 0 {
		return nil
	}
	noVRPs, noASPAs := lacking(e.settings.RPKI)
	if !noVRPs && !noASPAs {
		return nil
	}
	return func(n *notice.Notice, vantage string) bool {
		return (noVRPs && byVRPs(n) || noASPAs && byASPAs(n)) && shows(st, n, vantage)
	}
}

// shows says whether a vantage still shows a route of whom an incident accuses.
func shows(st *detect.State, n *notice.Notice, vantage string) bool {
	return slices.ContainsFunc(st.Routes, func(h detect.Held) bool {
		return h.Vantage.Name == vantage && (n.CulpritASN == 0 || h.Attrs.Path.Contains(n.CulpritASN))
	})
}

// lacking says which kind of data is to be expected, and is not there.
func lacking(set *rpki.Set) (vrps, aspas bool) {
	vrps = set.VRPs.Source == ""
	return vrps, set.ASPAs.Source == "" && (vrps || set.ASPAs.Offered)
}

func byVRPs(n *notice.Notice) bool { return n.Type == notice.RPKIInvalid || n.Type == notice.ROALost }

// byASPAs says of a leak that nothing else tells of it.
func byASPAs(n *notice.Notice) bool {
	return n.Type == notice.RouteLeak && slices.Equal(n.Evidence.Methods, []string{"aspa"})
}

// reviewUnjudged has judged again what could not be, now that there is data, or none is to be expected any more: what is in it may
// not concern the routes.
func (e *engine) reviewUnjudged(before, now *rpki.Set) {
	wereNoVRPs, wereNoASPAs := lacking(before)
	noVRPs, noASPAs := lacking(now)
	came := wereNoVRPs && !noVRPs || wereNoASPAs && !noASPAs
	if !came && sourced(e.cfg.RPKI) {
		return
	}
	for _, r := range e.book.Records() {
		if r.Scope.Kind == incident.Routing && (byVRPs(&r.Notice) || byASPAs(&r.Notice)) {
			e.agenda.review(scope{r.Scope.Prefix, r.Scope.Offending})
		}
	}
}
