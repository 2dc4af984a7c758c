package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

var channelSchema = schema[Channel]{
	name:  "channel",
	title: "[[channel]]",
	rows: []key[Channel]{
		identify("name", func(c *Channel) *string { return &c.Name }, itemName, `write how it is called, name = "noc"`),
		need("kind", func(c *Channel) *string { return &c.Kind },
			oneOf("webhook", "alertmanager", "slack", "teams", "pagerduty", "email", "syslog"), `write kind = "webhook"`),
		field("url", func(c *Channel) *URL { return &c.URL }, webURL, URL{}),
		custom("url_file", setURLFile),
		field("secret_file", func(c *Channel) *[]Secret { return &c.Secrets }, signingKeys, nil),
		field("min_severity", func(c *Channel) *string { return &c.MinSeverity }, oneOf("info", "warning", "error", "critical"), "warning"),
		field("types", func(c *Channel) *[]string { return &c.Types }, setOf(incidentType), nil),
		field("labels", func(c *Channel) *map[string]string { return &c.Labels }, labelTable, nil),
		field("resolve", func(c *Channel) *bool { return &c.Resolve }, boolean, true),
		field("keep_firing", func(c *Channel) *time.Duration { return &c.KeepFiring }, span(0, day), 0),
		field("heartbeat", func(c *Channel) *time.Duration { return &c.Heartbeat }, offOr(10*time.Second, 7*day), 0),
		custom("template", setTemplate),
		field("allow_private", func(c *Channel) *bool { return &c.AllowPrivate }, boolean, false),
	},
	check: checkChannel,
}

const urlHint = `an address such as "https://hooks.example.net/peervane"`

// webURL is the address of a receiver, or "". A message does not repeat it:
// there may be a password in it.
func webURL(l *loading, v value) (URL, bool) {
	s, ok := v.raw.(string)
	if !ok || s != "" && !isWebURL(s) {
		l.fail(v.pos(), "url is no http or https address; write "+urlHint)
		return URL{}, false
	}
	return NewURL(s, false), true
}

func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// setURLFile takes the address from a file, and never shows it.
func setURLFile(l *loading, c *Channel, v value) {
	content, path, ok := l.secretFile(v)
	if !ok || path == "" {
		return
	}
	if content = strings.TrimSpace(content); !isWebURL(content) {
		l.fail(v.pos(), "url_file names %s, which holds no address; write nothing but "+urlHint+" into it", path)
		return
	}
	c.URL = NewURL(content, true)
}

// setTemplate takes the text of the template, so that a changed file is seen
// as a change of the channel.
func setTemplate(l *loading, c *Channel, v value) {
	name, ok := filePath(l, v)
	c.Template = ""
	if !ok || name == "" || l.Recording {
		return
	}
	content, _, err := l.read(name)
	if err != nil {
		l.unreadable(v, name, err)
		return
	}
	c.Template = content
}

// webKinds are the kinds of channel that post to an address of yours.
var webKinds = []string{"webhook", "alertmanager", "slack", "teams"}

func checkChannel(l *loading, c *Channel, it item) {
	_, fromFile := set(it, "url_file")
	at, direct := set(it, "url")
	switch {
	case direct && fromFile:
		l.fail(at, "url and url_file exclude each other; remove one")
	case !direct && !fromFile && slices.Contains(webKinds, c.Kind):
		l.fail(it.table.keyPos(), "[[channel]] has neither url nor url_file; write url = \"https://hooks.example.net/peervane\"")
	case direct && !c.AllowPrivate && isPrivate(c.URL.Reveal()):
		l.warn(at, "url is on a private address, where nothing is delivered; set allow_private = true if you mean it")
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
	return channels
}
