package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"text/template"
)

// text writes the configuration.
func (b *beginning) text() ([]byte, error) {
	var out bytes.Buffer
	err := firstConfig.Execute(&out, b)
	return out.Bytes(), err
}

// firstConfig quotes what is no number: what it is then, the configuration says.
var firstConfig = template.Must(template.New("").Funcs(template.FuncMap{"quote": strconv.Quote, "number": number32, "numbers": numbers}).Parse(
	`# A first configuration, by peervane init. reference.toml documents every key with its default; after a change, peervane check
# says whether it is right, and peervane reload puts it in force.

[daemon]
asn       = {{number .ASN}} # ours
router_id = {{quote .RouterID}} # our BGP identifier
{{range $i, $_ := .Peers}}{{if not $i}}
# We connect to each router and announce nothing. It needs a session to us that sends all its routes, with every path (ADD-PATH)
# where it can, and graceful restart.{{end}}
[[peer]]
name    = {{quote .Name}}
address = {{quote .Address}}
asn     = {{number .ASN}}
{{- if .Relationship}}
relationship = {{quote .Relationship}} # what it is to us
{{- end}}
{{end -}}
{{range $i, $_ := .Prefixes}}{{if not $i}}
# What is legitimate for each prefix. Also: upstreams, max_length for your own more-specifics, required_communities, …{{end}}
[[prefix]]
prefix  = {{quote .Prefix}}
origins = {{numbers .Origins}}
{{end -}}
{{range $i, $_ := .POPs}}{{if not $i}}
# Probed with ICMP and, where tcp names ports, with TCP connects, so that a change of route is told with what it cost.{{end}}
[[pop]]
name    = {{quote .Name}}
address = {{quote .Address}}
{{- if .TCP}}
tcp     = {{numbers .TCP}}
{{- end}}
{{else}}
# What a change of route costs in latency is told once there is a place to probe:
# [[pop]]
# name    = "par1"
# address = "198.51.100.1"
{{end}}
{{- if .Webhook}}
# Notices go to the log always, and here. Sign them with secret_file.
[[channel]]
name = "noc"
kind = "webhook"
url  = {{quote .Webhook}}
{{else}}
# Notices go to the log. To send them elsewhere (webhook, alertmanager, slack, teams, pagerduty, email, syslog):
# [[channel]]
# name = "noc"
# kind = "webhook"
# url  = "https://hooks.example.net/peervane"
{{end}}`))

// number32 writes a number as one, and anything else as a text.
func number32(text string) string {
	text = strings.TrimPrefix(strings.TrimSpace(text), "AS")
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return fmt.Sprint(n)
	}
	return strconv.Quote(text)
}

func numbers(texts []string) string {
	var out []string
	for _, text := range texts {
		out = append(out, number32(text))
	}
	return "[" + strings.Join(out, ", ") + "]"
}
