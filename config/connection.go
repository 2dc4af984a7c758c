package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// site is a [[connection]] with the plain registrations that it brings.
type site struct {
	Connection
	lists []value // prefixes and prefix_file
}

var connectionSchema = schema[site]{
	name:  "connection",
	title: "[[connection]]",
	rows: []key[site]{
		identify("name", func(s *site) *string { return &s.Name }, itemName, `write how it is called, name = "paris-1"`),
		field("provider", func(s *site) *string { return &s.Provider }, text, ""),
		field("provider_asn", func(s *site) *uint32 { return &s.ProviderASN }, asnOrZero, 0),
		field("country", func(s *site) *string { return &s.Country }, text, ""),
		field("state", func(s *site) *string { return &s.State }, text, ""),
		field("city", func(s *site) *string { return &s.City }, text, ""),
		field("latitude", func(s *site) *float64 { return &s.Latitude }, degrees(90), 0),
		field("longitude", func(s *site) *float64 { return &s.Longitude }, degrees(180), 0),
		field("primary", func(s *site) *[]string { return &s.Primary }, setOf(text), nil),
		field("backup", func(s *site) *[]string { return &s.Backup }, setOf(text), nil),
		field("min_primary", func(s *site) *int { return &s.MinPrimary }, number(1, 1000), 2),
		custom("prefixes", addList),
		custom("prefix_file", addList),
	},
	check: checkConnection,
}

func addList(_ *loading, s *site, v value) {
	if list, ok := v.items(); v.raw != "" && (!ok || len(list) > 0) {
		s.lists = append(s.lists, v)
	}
}

func checkConnection(l *loading, s *site, it item) {
	s.Located = l.located(it)
	for _, list := range []string{"primary", "backup"} {
		v, _ := it.own(list)
		peers, _ := v.items()
		for _, peer := range peers {
			l.checkPeerName(peer)
		}
	}
	for _, peer := range s.Backup {
		if slices.Contains(s.Primary, peer) {
			l.fail(it.at("backup"), "peer %q is both primary and backup; keep it in one list", peer)
		}
	}
	checkMinPrimary(l, s, it)
}

// checkMinPrimary wants no more sessions than there are. One that was not
// asked for falls to what there is.
func checkMinPrimary(l *loading, s *site, it item) {
	sessions := len(s.Primary)
	switch {
	case it.isBad("primary", "min_primary"):
		return
	case slices.ContainsFunc(s.Primary, l.isDynamic):
		return // one name, any number of sessions
	case sessions == 0 && !it.has("min_primary"):
		s.MinPrimary = 1
	case sessions > 0 && s.MinPrimary > sessions && it.has("min_primary"):
		l.fail(it.at("min_primary"), "min_primary is %d, but primary has %s; write %d at most", s.MinPrimary, count(sessions, "peer"), sessions)
	case sessions > 0:
		s.MinPrimary = min(s.MinPrimary, sessions)
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// checkPeerName reports a name that no peer has. A neighbour out of a prefix
// is named by its peer and its address.
func (l *loading) checkPeerName(v value) {
	name, ok := v.raw.(string)
	if !ok || l.Recording || l.incomplete {
		return
	}
	if i := l.peer(name); i >= 0 {
		return
	}
	dynamic, address, _ := strings.Cut(name, "/")
	if i := l.peer(dynamic); i >= 0 {
		a, err := netip.ParseAddr(address)
		if err == nil && l.cfg.Peers[i].Dynamic.Contains(a) {
			return
		}
	}
	names := make([]string, len(l.cfg.Peers))
	for i, p := range l.cfg.Peers {
		names[i] = p.Name
	}
	l.dangling(v, "peer", names)
}

func (l *loading) peer(name string) int {
	return slices.IndexFunc(l.cfg.Peers, func(p Peer) bool { return p.Name == name })
}

func (l *loading) isDynamic(name string) bool {
	i := l.peer(name)
	return i >= 0 && l.cfg.Peers[i].Dynamic.IsValid()
}

// dangling reports a reference to what does not exist.
func (l *loading) dangling(v value, what string, known []string) {
	s := clip(v.raw.(string))
	if near := nearest(s, known); near != "" {
		l.fail(v.pos(), "%s names the %s %q, which does not exist; did you mean %q?", v.name, what, s, near)
		return
	}
	l.fail(v.pos(), "%s names the %s %q, which does not exist; add a [[%s]] of that name", v.name, what, s, what)
}
