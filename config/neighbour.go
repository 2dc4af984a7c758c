package config

var neighbourSchema = schema[Neighbour]{
	name:  "neighbour",
	title: "[[neighbour]]",
	rows: []key[Neighbour]{
		need("asn", func(n *Neighbour) *uint32 { return &n.ASN }, asn, "write its AS number, asn = 64500"),
		need("relationship", func(n *Neighbour) *string { return &n.Relationship },
			oneOf(Provider, PeerAS, Customer, RouteServer, RSClient), relationshipHint),
	},
	check: func(l *loading, n *Neighbour, it item) {
		if n.ASN != 0 && n.ASN == l.cfg.Daemon.ASN {
			l.fail(it.at("asn"), "asn is %d, our own; write an external AS behind an internal peer", n.ASN)
		}
	},
}

func (l *loading) neighbours() []Neighbour {
	neighbours, items := readEach(l, &neighbourSchema, neighbourSchema.builtin())
	asns := make([]uint32, len(neighbours))
	for i := range neighbours {
		asns[i] = neighbours[i].ASN
	}
	l.uniqueASNs("[[neighbour]]", items, asns)
	return neighbours
}

var asnSchema = schema[ASNWatch]{
	name:  "asn",
	title: "[[asn]]",
	rows: []key[ASNWatch]{
		need("asn", func(a *ASNWatch) *uint32 { return &a.ASN }, asn, "write the AS number to watch, asn = 64496"),
		field("upstreams", func(a *ASNWatch) *[]uint32 { return &a.Upstreams }, listedASNs, nil),
		field("downstreams", func(a *ASNWatch) *[]uint32 { return &a.Downstreams }, listedASNs, nil),
		field("unlisted", func(a *ASNWatch) *bool { return &a.Unlisted }, boolean, true),
	},
}

func (l *loading) asnWatches() []ASNWatch {
	watches, items := readEach(l, &asnSchema, asnSchema.builtin())
	asns := make([]uint32, len(watches))
	for i := range watches {
		asns[i] = watches[i].ASN
	}
	l.uniqueASNs("[[asn]]", items, asns)
	return watches
}

// uniqueASNs reports an AS that has two tables.
func (l *loading) uniqueASNs(title string, items []item, asns []uint32) {
	first := make(map[uint32]Pos)
	for i, asn := range asns {
		at := items[i].at("asn")
		if other, ok := first[asn]; ok && asn != 0 {
			l.fail(at, "AS%d has its %s at %s already; keep one", asn, title, other)
			continue
		}
		first[asn] = at
	}
}
