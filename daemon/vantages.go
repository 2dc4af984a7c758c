package daemon

import (
	"net/netip"
	"time"

	"peervane/bgp"
	"peervane/bgp/detect"
	"peervane/daemon/api"
)

// vantage is what the engine knows of one vantage's session.
type vantage struct {
	*bgp.Vantage
	index    int // order of first sight
	labels   map[string]string
	active   bool // configured, and connecting to its neighbour: it is missed from the start
	dynamic  bool // known only since it connected
	up       bool
	recorded bool // a feed or recording: in sync for what it has shown
	since    time.Time
	everUp   bool
	risen    bool // in this run of the daemon
	blind    bool // by what was found last
	endDue   bool // the neighbour has promised End-of-RIB
	limit    detect.Limit
	leaked   detect.Leaked
	drops    [bgp.NumFamilies]detect.Drop
	activity detect.Activity
	reason   string                     // why it is down
	strayed  map[netip.Prefix]*bgp.Path // what its first table shows otherwise than it was: the path before
	families [bgp.NumFamilies]familyState
	showed   [bgp.NumFamilies]bool // there may be something of it in the table
}

// familyState is how far a vantage's table of one family can be trusted.
type familyState struct {
	spoken bool      // negotiated
	synced bool      // End-of-RIB, or what stands for it
	at     time.Time // since when
	whole  int       // the configuration whose registered prefixes were all asked for
	many   bool      // a prefix may come with several paths (RFC 7911)
	kept   bool      // the session is lost, its routes are held as stale (RFC 4724)
}

// takeLeaks keeps how many routes of the vantage's table are leaked, and since when they are too many.
func (v *vantage) takeLeaks(in bgp.LeakedTable) {
	since := v.leaked.Since
	if !v.leaked.Exceeded {
		since = in.At
	}
	v.leaked = detect.Leaked{LeakedTable: in, Since: since}
}

// vantages is the set of all that were seen, in order of first sight, which is the order in which evidence lists them.
type vantages struct {
	list []*vantage
	by   map[*bgp.Vantage]*vantage
	name map[string]*vantage
	last map[string]time.Time // the latest change of each feed
}

func (vs *vantages) of(v *bgp.Vantage) *vantage {
	if have := vs.by[v]; have != nil {
		return have
	}
	if vs.by == nil {
		vs.by, vs.name, vs.last = map[*bgp.Vantage]*vantage{}, map[string]*vantage{}, map[string]time.Time{}
	}
	n := &vantage{Vantage: v, index: vs.nextIndex()}
	vs.list = append(vs.list, n)
	vs.by[v], vs.name[v.Name] = n, n
	return n
}

func (vs *vantages) nextIndex() int {
	if n := len(vs.list); n > 0 {
		return vs.list[n-1].index + 1
	}
	return 0
}

// drop forgets a vantage that is gone for good.
func (vs *vantages) drop(v *vantage) {
	for i, have := range vs.list {
		if have == v {
			vs.list = append(vs.list[:i:i], vs.list[i+1:]...)
			break
		}
	}
	delete(vs.by, v.Vantage)
	if vs.name[v.Name] == v {
		delete(vs.name, v.Name)
	}
}

// named finds a vantage by name; nil when it is not known.
func (vs *vantages) named(name string) *vantage { return vs.name[name] }

// has refuses a name that is asked for, if there is one, and nobody has it.
func (vs *vantages) has(name string) error {
	if name == "" || vs.named(name) != nil {
		return nil
	}
	var known []string
	for _, v := range vs.list {
		known = append(known, v.Name)
	}
	return api.Missing("vantage", name, known)
}

// rise takes a session that came up. Kept routes stay held until they are confirmed or lost.
func (v *vantage) rise(up bgp.SessionUp) {
	v.up, v.everUp, v.recorded, v.since, v.reason = true, true, up.Recorded, up.At, ""
	v.risen, v.endDue = true, up.EndOfRIBDue
	v.strayed = nil
	v.activity.Rise(up.At)
	for f := range v.families {
		v.families[f].spoken = false
		v.families[f].synced = false
		v.families[f].many = up.AddPath[f]
	}
	for _, f := range up.Families {
		v.families[f].spoken = true
	}
}

// fall takes the loss of a session; the families that are kept go on as they were.
func (v *vantage) fall(down bgp.SessionDown) {
	v.up, v.since, v.reason = false, down.At, down.Reason
	v.drops = [bgp.NumFamilies]detect.Drop{}
	for f := range v.families {
		v.families[f].kept = false
	}
	for _, f := range down.Kept {
		v.families[f].kept = true
	}
	for f := range v.families {
		if !v.families[f].kept {
			v.families[f].synced = false
		}
	}
}

// sync says that a family has been shown whole, as far as it was watched under the configuration of that number.
func (v *vantage) sync(f bgp.Family, whole int, at time.Time) {
	s := &v.families[f]
	if !s.synced {
		s.at = at
	}
	s.synced, s.kept, s.whole = true, false, whole
}

// present says whether what the vantage shows of a family is known at all: it is up, or its routes are kept as stale.
func (v *vantage) present(f bgp.Family) bool { return v.up || v.families[f].kept }

// inSync says whether the absence of a prefix at this vantage is a fact. seen: a route of it has been there since the
// session came up. born: the configuration with which its registration came.
func (v *vantage) inSync(f bgp.Family, seen bool, born int) bool {
	return v.present(f) && (seen || v.families[f].synced && v.families[f].whole >= born)
}

// firstTable is how long the rest of a first table is waited for. A neighbour that has promised its end and not told it by then is blind.
const firstTable = 10 * time.Minute

// loads says whether the vantage is showing its first table of a family. nil, which nobody knows by its name, shows none.
func (v *vantage) loads(f bgp.Family, now time.Time) bool {
	if v == nil {
		return false
	}
	s := &v.families[f]
	return v.up && s.spoken && !v.recorded && !s.synced && now.Sub(v.since) < firstTable
}

// owesPaths says whether a prefix that the vantage has shown since it came up may still get further paths: with ADD-PATH (RFC 7911) what a
// session has shown of a prefix is not all that there is before its first table is whole.
func (v *vantage) owesPaths(f bgp.Family, now time.Time) bool {
	return v.loads(f, now) && v.families[f].many
}
