package config

import (
	"net/netip"
	"net/url"
	"strings"
)

var feedSchema = schema[Feed]{
	name:  "feed",
	title: "[[feed]]",
	rows: []key[Feed]{
		identify("name", func(f *Feed) *string { return &f.Name }, itemName, `write how it is called, name = "ris"`),
		need("kind", func(f *Feed) *string { return &f.Kind }, oneOf("ris-live", "bmp", "mrt-dir"), `write kind = "ris-live", "bmp" or "mrt-dir"`),
		field("url", func(f *Feed) *string { return &f.URL }, webSocket, ""),
		field("listen", func(f *Feed) *netip.AddrPort { return &f.Listen }, socketOrNone, netip.AddrPort{}),
		field("allow", func(f *Feed) *[]netip.Prefix { return &f.Allow }, setOf(network), nil),
		field("path", func(f *Feed) *string { return &f.Path }, filePath, ""),
	},
	check: checkFeed,
}

// webSocket is the address of a stream, or "".
func webSocket(l *loading, v value) (string, bool) {
	s, ok := v.raw.(string)
	u, err := url.Parse(s)
	if !ok || err != nil || s != "" && (u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "") {
		return wrong[string](l, v, `the address of a web socket, such as "wss://ris-live.ripe.net/v1/ws/"`)
	}
	return s, true
}

// feedKeys says which keys each kind has; the first is the one it needs.
var feedKeys = []struct {
	kind string
	keys []string
	hint string
}{
	{"ris-live", []string{"url"}, `url = "wss://ris-live.ripe.net/v1/ws/"`},
	{"bmp", []string{"listen", "allow"}, `listen = "[::]:11019"`},
	{"mrt-dir", []string{"path"}, `path = "/var/lib/mrt"`},
}

func checkFeed(l *loading, f *Feed, it item) {
	for _, e := range feedKeys {
		if e.kind == f.Kind && !it.has(e.keys[0]) {
			l.fail(it.table.keyPos(), "[[feed]] of kind %q has no %s; write %s", e.kind, e.keys[0], e.hint)
		}
		for _, name := range e.keys {
			if v, ok := it.own(name); ok && f.Kind != "" && e.kind != f.Kind {
				l.fail(v.keyPos(), "%s belongs to feeds of kind %q, this one is %q; remove it", name, e.kind, f.Kind)
			}
		}
	}
}

func (l *loading) feeds() []Feed {
	feeds, items := readEach(l, &feedSchema, feedSchema.builtin())
	names := make([]string, len(feeds))
	for i := range feeds {
		names[i] = feeds[i].Name
	}
	l.unique("feed", items, names)
	l.uniqueSockets(feeds, items)
	return feeds
}

// uniqueSockets reports feeds that would wait where something else does: of two, one could never start.
func (l *loading) uniqueSockets(feeds []Feed, items []item) {
	type taken struct {
		at netip.AddrPort
		by string
	}
	all := []taken{{l.cfg.Daemon.HTTP, "http of [daemon]"}}
	for _, at := range l.cfg.Daemon.Listen {
		all = append(all, taken{at, "listen of [daemon]"})
	}
	for i, f := range feeds {
		for _, other := range all {
			if collide(f.Listen, other.at) {
				l.fail(items[i].at("listen"), "listen = %q is taken by %s, on %s; give the feed another port", f.Listen, other.by, other.at)
				break
			}
		}
		all = append(all, taken{f.Listen, "feed " + f.Name})
	}
}

// collide says whether only one of two can listen. What listens on [::] hears IPv4 too.
func collide(a, b netip.AddrPort) bool {
	if !a.IsValid() || !b.IsValid() || a.Port() != b.Port() {
		return false
	}
	one, two := a.Addr().Unmap(), b.Addr().Unmap()
	hears := func(by, of netip.Addr) bool { return by.IsUnspecified() && (by.Is6() || of.Is4()) }
	return one == two || hears(one, two) || hears(two, one)
}

// cacheURL is the address of an RTR cache.
func cacheURL(l *loading, v value) (string, bool) {
	s, _ := v.raw.(string)
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "tcp" && u.Scheme != "tls" || u.Hostname() == "" || u.Port() == "" || strings.Trim(u.Path, "/") != "" {
		return wrong[string](l, v, `a cache with its port, such as "tcp://rtr.example.net:3323" or "tls://rtr.example.net:324"`)
	}
	return s, true
}
