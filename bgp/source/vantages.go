package source

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"peervane/bgp"
	"peervane/bgp/rib"
)

// recordedVantages are the vantages of one replay. A collector's RIB dumps and update files share them.
type recordedVantages struct {
	feed     string // whose they are, where they are live; it begins their names
	byKey    map[vantageKey]*recordedVantage
	interner rib.Interner

	byVantage map[*bgp.Vantage]*recordedVantage // live ones alone
}

type vantageKey struct {
	collector string
	addr      netip.Addr
	asn       uint32
}

// recordedVantage is one vantage and the routes that it holds.
type recordedVantage struct {
	*bgp.Vantage
	table  *rib.Table
	up     bool
	inDump [bgp.NumFamilies]bool // the RIB dump that is being read holds routes of that family
	first  [bgp.NumFamilies]settling
	home   uint32 // the AS of a router that shows it, where it is a router of that AS too; else 0
}

func (vs *recordedVantages) get(collector string, peer mrtPeer) *recordedVantage {
	key := vantageKey{collector, peer.addr, peer.asn}
	if v := vs.byKey[key]; v != nil {
		return v
	}
	v := &recordedVantage{
		Vantage: &bgp.Vantage{
			Name:      fmt.Sprintf("%s/%s/%d", collector, peer.addr, peer.asn),
			Collector: collector,
			Addr:      peer.addr,
			ASN:       peer.asn,
		},
		table: rib.NewTable(&vs.interner, 0), // the same order of walks every time
	}
	if vs.feed != "" {
		v.table = rib.NewTable(&vs.interner, rand.Uint64()) // whoever announces cannot know where it comes to stand
		v.Name, v.Collector = feedName(vs.feed, collector, peer), vs.feed
		if vs.byVantage == nil {
			vs.byVantage = make(map[*bgp.Vantage]*recordedVantage)
		}
		vs.byVantage[v.Vantage] = v
	}
	if vs.byKey == nil {
		vs.byKey = make(map[vantageKey]*recordedVantage)
	}
	vs.byKey[key] = v
	return v
}

// drop forgets a vantage.
func (vs *recordedVantages) drop(v *recordedVantage) {
	delete(vs.byVantage, v.Vantage)
	for key, have := range vs.byKey {
		if have == v {
			delete(vs.byKey, key)
		}
	}
}

// clear forgets what the vantage holds.
func (v *recordedVantage) clear() {
	for _, f := range bgp.Families {
		v.table.Clear(f)
		v.inDump[f] = false
		v.first[f].end()
	}
}

// settle begins the first table after a session came up.
func (v *recordedVantage) settle(at time.Time) {
	for _, f := range bgp.Families {
		v.first[f].begin(false, at)
	}
}

// collectorName matches the collectors of RIPE RIS and RouteViews.
var collectorName = regexp.MustCompile(`rrc[0-9]{2}|route-views[0-9]*(\.[a-z][a-z0-9]*)?`)

// anyCollector is the name where a path gives none.
const anyCollector = "mrt"

// collectorOf finds the collector in a path, the file's name first. All files of one collector give the same, and so do
// all files without one: there, the same address and ASN are the same vantage.
func collectorOf(path string) string {
	parts := strings.Split(filepath.ToSlash(path), "/")
	for i := len(parts) - 1; i >= 0; i-- {
		name, _, _ := strings.Cut(parts[i], ".updates.")
		if found := collectorName.FindString(name); found != "" {
			return found
		}
	}
	return anyCollector
}
