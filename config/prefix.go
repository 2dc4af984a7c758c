package config

import (
	"net/netip"
	"slices"
)

// entry is a [[prefix]] while it is read.
type entry struct {
	PrefixPolicy
	prefix     netip.Prefix
	connection string
}

var prefixSchema = schema[entry]{
	name:  "prefix",
	title: "[[prefix]]",
	rows: []key[entry]{
		identify("prefix", func(e *entry) *netip.Prefix { return &e.prefix }, registrable, `write the prefix to watch, prefix = "203.0.113.0/24"`),
		field("connection", func(e *entry) *string { return &e.connection }, connectionName, ""),
		field("description", func(e *entry) *string { return &e.Description }, text, ""),
		field("origins", func(e *entry) *[]uint32 { return &e.Origins }, asnSet, nil),
		field("any_origin", func(e *entry) *bool { return &e.AnyOrigin }, boolean, false),
		field("expect", func(e *entry) *string { return &e.Expect }, oneOf(ExpectAnnounced, ExpectOptional, ExpectAbsent), ExpectAnnounced),
		field("upstreams", func(e *entry) *[]uint32 { return &e.Upstreams }, asnSet, nil),
		field("required_upstreams", func(e *entry) *[]uint32 { return &e.RequiredUpstreams }, asnSet, nil),
		field("covering_origins", func(e *entry) *[]uint32 { return &e.CoveringOrigins }, asnSet, nil),
		field("max_length", func(e *entry) *int { return &e.MaxLength }, number(1, 128), 0),
		field("required_communities", func(e *entry) *[]Community { return &e.RequiredCommunities }, setOf(community), nil),
		field("max_path_length", func(e *entry) *int { return &e.MaxPathLength }, number(0, 4096), 0),
		field("allow_private_asn", func(e *entry) *bool { return &e.AllowPrivateASN }, boolean, false),
		field("allow_prepending", func(e *entry) *bool { return &e.AllowPrepending }, boolean, true),
		field("no_export", func(e *entry) *bool { return &e.NoExport }, boolean, false),
		field("min_vantages", func(e *entry) *int { return &e.MinVantages }, number(1, 10_000), 1),
		field("ignore", func(e *entry) *bool { return &e.Ignore }, boolean, false),
		field("paths", func(e *entry) *[]PathRule { return &e.Paths }, listOf(pathRuleSchema.inline), nil),
		field("labels", func(e *entry) *map[string]string { return &e.Labels }, labelTable, nil),
	},
	check: checkPrefix,
}

// registrable is a prefix to register. The default route is none: every
// prefix of the internet is a more-specific of it.
func registrable(l *loading, v value) (netip.Prefix, bool) {
	s, _ := v.raw.(string)
	p, mend := parseRegistrable(s)
	if mend != "" {
		return wrong[netip.Prefix](l, v, mend)
	}
	return p, true
}

func parseRegistrable(s string) (netip.Prefix, string) {
	p, mend := parseNetwork(s)
	switch {
	case mend != "":
		return p, mend
	case p.Bits() == 0:
		return p, "your own prefixes: everything is a more-specific of a default route"
	case p.Addr().IsMulticast():
		return p, "a unicast prefix"
	}
	return p, ""
}

// connectionName is the name of a [[connection]], or "".
func connectionName(l *loading, v value) (string, bool) {
	s, ok := text(l, v)
	named := func(c Connection) bool { return c.Name == s }
	if ok && s != "" && !l.incomplete && !slices.ContainsFunc(l.cfg.Connections, named) {
		names := make([]string, len(l.cfg.Connections))
		for i, c := range l.cfg.Connections {
			names[i] = c.Name
		}
		l.dangling(v, "connection", names)
	}
	return s, ok
}

func checkPrefix(l *loading, e *entry, it item) {
	checkOrigins(l, e, it)
	if _, own := it.own("max_length"); !own || it.isBad("max_length", "prefix") {
		return
	}
	if least, most := e.prefix.Bits(), e.prefix.Addr().BitLen(); e.MaxLength < least || e.MaxLength > most {
		l.fail(it.at("max_length"), "max_length is %d; write %d, the length of %s, to %d", e.MaxLength, least, e.prefix, most)
	}
}

// checkOrigins settles who may originate the prefix: what its own table says
// overrules what it inherits.
func checkOrigins(l *loading, e *entry, it item) {
	origins, named := it.own("origins")
	named = named && len(e.Origins) > 0
	anyOrigin, _ := it.own("any_origin")
	switch {
	case it.isBad("origins", "any_origin", "expect", "ignore"):
		return
	case named && anyOrigin.raw == true:
		l.fail(origins.pos(), "origins and any_origin exclude each other; remove one")
	case named && e.Expect == ExpectAbsent:
		l.fail(origins.pos(), `origins are given, but with expect = "absent" none is legitimate; remove one of the two`)
	case named:
		e.AnyOrigin = false
	case e.AnyOrigin, e.Expect == ExpectAbsent:
		e.Origins = nil
	case len(e.Origins) == 0 && !e.Ignore && !it.has("origins"):
		l.fail(it.table.keyPos(), `[[prefix]] has no origins; write the ASNs that may originate it, origins = [64496], or any_origin = true, or expect = "absent"`)
	case len(e.Origins) == 0 && !e.Ignore && isEmptyList(it):
		l.fail(it.at("origins"), `origins is empty; write the ASNs that may originate the prefix, or any_origin = true, or expect = "absent"`)
	}
}

func isEmptyList(it item) bool {
	v, ok := it.own("origins")
	if !ok {
		v, _ = it.defaults.get("origins")
	}
	list, ok := v.items()
	return ok && len(list) == 0
}
