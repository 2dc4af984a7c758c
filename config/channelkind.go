package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// channelKind says what a kind of channel takes of the keys of [[channel]].
type channelKind struct {
	name        string
	schemes     []string // of its address
	example     string
	hasAddress  bool     // of its own: url may be left out
	port        bool     // must stand in the address
	noUser      bool     // may stand in the address
	uses        []string // which of ownKeys
	secret      kind[[]Secret]
	needsSecret string // what to write
	check       func(l *loading, c *Channel, it item)
}

// channelKinds are all kinds, the usual one first.
var channelKinds = [...]channelKind{
	{
		name: "webhook", schemes: web, example: `"https://hooks.example.net/peervane"`,
		uses: []string{"template"}, secret: signingKeys,
	},
	{
		name: "alertmanager", schemes: web, example: `"https://alertmanager.example.net:9093"`,
		check: checkAlertmanager,
	},
	{name: "slack", schemes: web, example: `"https://hooks.slack.com/services/T0/B0/secret"`},
	{name: "teams", schemes: web, example: `"https://example.westeurope.logic.azure.com/workflows/secret"`},
	{
		name: "pagerduty", schemes: web, example: `"https://events.eu.pagerduty.com/v2/enqueue"`, hasAddress: true,
		secret: routingKey, needsSecret: "name a file with the integration key of an Events API v2 integration",
		check: checkPagerDuty,
	},
	{
		name: "email", schemes: []string{"smtp", "smtps"}, example: `"smtp://peervane@mail.example.net:587"`,
		uses: []string{"from", "to", "starttls"}, secret: mailPassword, check: checkEmail,
	},
	{
		name: "syslog", schemes: []string{"udp", "tcp", "tls"}, example: `"tls://logs.example.net:6514"`, port: true, noUser: true,
		uses: []string{"facility"},
	},
}

var web = []string{"http", "https"}

func kindNames() []string {
	var names []string
	for _, k := range channelKinds {
		names = append(names, k.name)
	}
	return names
}

func kindOf(name string) (channelKind, bool) {
	i := slices.IndexFunc(channelKinds[:], func(k channelKind) bool { return k.name == name })
	if i < 0 {
		return channelKind{}, false
	}
	return channelKinds[i], true
}

// refuses says what is wrong with an address, "" where nothing is. It never
// repeats it.
func (k *channelKind) refuses(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	switch {
	case err != nil || !slices.Contains(k.schemes, u.Scheme) || u.Hostname() == "":
		return "is no " + alternatives(k.schemes) + " address"
	case u.Port() == "" && k.port:
		return "names no port"
	case u.Port() != "" && !isPort(u.Port()):
		return "names a port that does not exist"
	case u.User != nil && k.noUser:
		return "names a user, of whom this kind has no use"
	}
	return ""
}

func alternatives(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// ownKeys are those that only some kinds use.
var ownKeys = [...]struct {
	name string
	set  func(c *Channel) bool
}{
	{"template", func(c *Channel) bool { return c.Template != "" }},
	{"from", func(c *Channel) bool { return c.From != "" }},
	{"to", func(c *Channel) bool { return len(c.To) > 0 }},
	{"starttls", func(c *Channel) bool { return !c.StartTLS }},
	{"facility", func(c *Channel) bool { return c.Facility != daemonFacility }},
}

// checkUse reports keys that say something to another kind.
func checkUse(l *loading, c *Channel, it item, kind channelKind) {
	for _, own := range ownKeys {
		if own.set(c) && !slices.Contains(kind.uses, own.name) {
			v, _ := it.own(own.name)
			l.fail(v.keyPos(), "%s has no use where kind = %q; remove it", own.name, c.Kind)
		}
	}
}

// checkAlertmanager: an alert that is not sent again ends there by itself, so
// that its end cannot be left out.
func checkAlertmanager(l *loading, c *Channel, it item) {
	if !c.Resolve {
		l.fail(it.at("resolve"), "resolve is false, but an alert that is not sent again ends in Alertmanager by itself; "+
			"remove it, and set send_resolved = false in the receivers there")
	}
}

func checkPagerDuty(l *loading, c *Channel, it item) {
	if c.Heartbeat > 0 {
		l.fail(it.at("heartbeat"), "heartbeat would page somebody each time; remove it, and give a heartbeat to a channel that waits for one")
	}
}

func checkEmail(l *loading, c *Channel, it item) {
	if c.From == "" && !it.isBad("from") {
		l.fail(it.table.keyPos(), `[[channel]] has no from; write whom the mail is from, from = "peervane@example.net"`)
	}
	if len(c.To) == 0 && !it.isBad("to") {
		l.fail(it.table.keyPos(), `[[channel]] has no to; write whom to send to, to = ["noc@example.net"]`)
	}
	u, err := url.Parse(c.URL.Reveal())
	if err != nil || u.Scheme == "" || it.isBad("url") || l.Recording {
		return
	}
	at := it.at("url")
	_, protected := set(it, "secret_file")
	switch user, password := u.User.Username(), hasPassword(u); {
	case password:
		l.fail(at, "url holds a password; write it into a file, and name that in secret_file")
	case user == "" && protected:
		l.fail(at, "url names no user to whom the password of secret_file belongs; write one before the host, as in smtp://peervane@mail.example.net:587")
	case user != "" && !protected:
		l.fail(at, "url names a user, but there is no password; name a file with it in secret_file")
	case user != "" && u.Scheme == "smtp" && !c.StartTLS:
		l.fail(it.at("starttls"), "starttls is false, so that the password would be sent in the clear; remove it, or user and secret_file")
	case u.Scheme == "smtps" && !c.StartTLS:
		l.fail(it.at("starttls"), "starttls has no use with smtps, which is TLS from the start; remove it")
	}
}

func hasPassword(u *url.URL) bool {
	_, ok := u.User.Password()
	return ok
}
