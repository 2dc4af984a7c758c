package config

import "net/netip"

// registrations reads connections and everything that registers prefixes.
func (l *loading) registrations() {
	sites, items := readEach(l, &connectionSchema, connectionSchema.builtin())
	names := make([]string, len(sites))
	for i, s := range sites {
		l.cfg.Connections = append(l.cfg.Connections, s.Connection)
		names[i] = s.Name
	}
	l.unique("connection", items, names)

	base := prefixSchema.base(l, l.tables.defaults["prefix"])
	entries, items := readEach(l, &prefixSchema, base)
	for i, e := range entries {
		if e.prefix.IsValid() {
			policy := e.PrefixPolicy
			l.cfg.Prefixes = append(l.cfg.Prefixes, Registration{e.prefix, &policy, e.connection, items[i].at("prefix")})
		}
	}
	lists := newPlainLists(l, base)
	for _, name := range []string{"prefixes", "prefix_file"} {
		for _, v := range l.tables.plain[name] {
			lists.add(v, base.connection)
		}
	}
	for _, s := range sites {
		for _, v := range s.lists {
			lists.add(v, s.Name)
		}
	}
	l.duplicates()
}

// duplicates reports prefixes that are registered twice, be it under two
// connections: a route is judged under one registration.
func (l *loading) duplicates() {
	all := l.cfg.Prefixes
	first := make(map[netip.Prefix]int32, len(all))
	for i := range all {
		r := &all[i]
		if j, ok := first[r.Prefix]; ok {
			l.fail(r.Pos, "%s is registered at %s already; keep one, with the origins and the peers of both", r.Prefix, all[j].Pos)
			continue
		}
		first[r.Prefix] = int32(i)
	}
}
