package config

import (
	"net/netip"
	"net/url"
	"strings"
	"time"
)

var channelSchema = schema[Channel]{
	name:  "channel",
	title: "[[channel]]",
	rows: []key[Channel]{
		identify("name", func(c *Channel) *string { return &c.Name }, itemName, `write how it is called, name = "noc"`),
		need("kind", func(c *Channel) *string { return &c.Kind }, oneOf(kindNames()...), `write kind = "webhook"`),
		field("url", func(c *Channel) *URL { return &c.URL }, address, URL{}),
		custom("url_file", setURLFile),
		custom("secret_file", nothing), // read when the kind is known
		field("from", func(c *Channel) *string { return &c.From }, mailbox, ""),
		field("to", func(c *Channel) *[]string { return &c.To }, setOf(mailbox), nil),
		field("starttls", func(c *Channel) *bool { return &c.StartTLS }, boolean, true),
		field("facility", func(c *Channel) *int { return &c.Facility }, facility, daemonFacility),
		field("ca_file", func(c *Channel) *string { return &c.CA }, authorities, ""),
		field("cert_file", func(c *Channel) *string { return &c.Certificate }, certificate, ""),
		field("key_file", func(c *Channel) *Secret { return &c.Key }, privateKey, Secret{}),
		field("min_severity", func(c *Channel) *string { return &c.MinSeverity }, oneOf("info", "warning", "error", "critical"), "warning"),
		field("types", func(c *Channel) *[]string { return &c.Types }, setOf(toldType), nil),
		field("labels", func(c *Channel) *map[string]string { return &c.Labels }, labelTable, nil),
		field("connections", func(c *Channel) *[]string { return &c.Connections }, setOf(connectionName), nil),
		field("resolve", func(c *Channel) *bool { return &c.Resolve }, boolean, true),
		field("keep_firing", func(c *Channel) *time.Duration { return &c.KeepFiring }, span(0, day), 0),
		field("heartbeat", func(c *Channel) *time.Duration { return &c.Heartbeat }, offOr(10*time.Second, 7*day), 0),
		custom("template", setTemplate),
		field("allow_private", func(c *Channel) *bool { return &c.AllowPrivate }, boolean, false),
	},
	check: checkChannel,
}

// nothing is for keys that the check of the table reads.
func nothing(*loading, *Channel, value) {}

// address is any text: which addresses are good, the kind says. A message does
// not repeat it: there may be a password in it.
func address(l *loading, v value) (URL, bool) {
	s, ok := v.raw.(string)
	if !ok {
		l.fail(v.pos(), "url is no text; write an address such as %s", channelKinds[0].example)
		return URL{}, false
	}
	return NewURL(s, false), true
}

// setURLFile takes the address from a file, and never shows it.
func setURLFile(l *loading, c *Channel, v value) {
	if content, path, ok := l.secretFile(v); ok && path != "" {
		c.URL = NewURL(strings.TrimSpace(content), true)
	}
}

func checkChannel(l *loading, c *Channel, it item) {
	kind, ok := kindOf(c.Kind)
	if !ok {
		return // reported
	}
	checkURL(l, c, it, kind)
	readSecret(l, c, it, kind)
	checkUse(l, c, it, kind)
	checkTLS(l, c, it)
	if kind.check != nil {
		kind.check(l, c, it)
	}
}

// checkURL wants one address that the kind can send to.
func checkURL(l *loading, c *Channel, it item, kind channelKind) {
	file, fromFile := set(it, "url_file")
	direct, isDirect := set(it, "url")
	switch {
	case it.isBad("url", "url_file"):
	case isDirect && fromFile:
		l.fail(direct, "url and url_file exclude each other; remove one")
	case isDirect:
		if why := kind.refuses(c.URL.Reveal()); why != "" {
			l.fail(direct, "url %s; write an address such as %s", why, kind.example)
		} else if !c.AllowPrivate && isPrivate(c.URL.Reveal()) {
			l.warn(direct, "url is on a private address, where nothing is delivered; set allow_private = true if you mean it")
		}
	case fromFile && !l.Recording:
		if why := kind.refuses(c.URL.Reveal()); why != "" {
			v, _ := it.own("url_file")
			path := l.credential(v, v.raw.(string))
			l.fail(file, "url_file names %s, and what it holds %s; write nothing but an address such as %s into it", path, why, kind.example)
		}
	case !fromFile && !kind.hasAddress:
		l.fail(it.table.keyPos(), "[[channel]] has neither url nor url_file; write url = %s", kind.example)
	}
}

// readSecret reads secret_file as the kind has it.
func readSecret(l *loading, c *Channel, it item, kind channelKind) {
	v, ok := it.own("secret_file")
	switch {
	case (!ok || v.raw == "") && kind.needsSecret != "":
		l.fail(it.table.keyPos(), "[[channel]] has no secret_file; %s", kind.needsSecret)
	case ok && v.raw != "" && kind.secret == nil:
		l.fail(v.keyPos(), "secret_file has no use where kind = %q; remove it", c.Kind)
	case ok && kind.secret != nil:
		c.Secrets, _ = kind.secret(l, v)
	}
}

// set says whether a key holds something, and where.
func set(it item, name string) (Pos, bool) {
	v, ok := it.own(name)
	if !ok || v.raw == "" {
		return Pos{}, false
	}
	return v.pos(), true
}

// isPrivate says whether an address certainly leads to this host or its own
// network. What a name resolves to is looked at when it is connected to.
func isPrivate(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return u.Hostname() == "localhost"
	}
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()
}

func (l *loading) channels() []Channel {
	channels, items := readEach(l, &channelSchema, channelSchema.builtin())
	names := make([]string, len(channels))
	for i := range channels {
		names[i] = channels[i].Name
	}
	l.unique("channel", items, names)
	if l.Advice && len(channels) == 1 && channels[0].Heartbeat == 0 && !items[0].isBad("heartbeat") {
		l.warn(items[0].table.keyPos(), "channel %s is the only one and has no heartbeat: nobody is told when it fails; add another, or a heartbeat for a dead man's switch", channels[0].Name)
	}
	return channels
}
