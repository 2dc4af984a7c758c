package notify

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"peervane/daemon/notice"
)

const (
	// maxSyslog is what every receiver should take (RFC 5424 section 6.1).
	maxSyslog = 2048
	// maxSyslogSummary leaves room for what follows it.
	maxSyslogSummary = 600
	maxSyslogValue   = 100
)

// syslogMessage is a notice as RFC 5424 has it, its MSG for people and for grep alike. Its one SD-ELEMENT is a registered
// one: others need an enterprise number (section 6.3.2).
func syslogMessage(n *notice.Notice, facility int, version string) []byte {
	text := fmt.Sprintf("<%d>1 %s %s peervane - %s [origin software=\"peervane\" swVersion=%s] %s",
		facility*8+syslogSeverity(n.Severity), n.UpdatedAt, printable(n.Source, 255), printable(n.Type, 32),
		paramValue(version), syslogText(n))
	if len(text) > maxSyslog {
		text = text[:maxSyslog]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
	}
	return []byte(text)
}

// syslogSeverity is that of RFC 5424 table 2.
func syslogSeverity(s notice.Severity) int {
	switch s {
	case notice.Critical:
		return 2
	case notice.Error:
		return 3
	case notice.Warning:
		return 4
	}
	return 6
}

// syslogText begins with a BOM where it is more than ASCII (RFC 5424 section 6.4).
func syslogText(n *notice.Notice) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s;", headline(n), clip(n.Summary, maxSyslogSummary))
	for _, pair := range [...][2]string{
		{"incident", n.Incident}, {"fingerprint", n.Fingerprint}, {"prefix", prefixText(n)}, {"offending_prefix", offendingText(n)},
		{"culprit", asn(n.CulpritASN)}, {"connection", n.Connection}, {"peer", n.Peer}, {"pop", n.POP}, {"reason", n.Reason},
	} {
		if pair[1] != "" {
			fmt.Fprintf(&b, " %s=%s", pair[0], pairValue(clip(pair[1], maxSyslogValue)))
		}
	}
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' ' // a receiver that frames by lines must not see two
		}
		return r
	}, strings.ToValidUTF8(b.String(), "\uFFFD"))
	if strings.ContainsFunc(text, func(r rune) bool { return r > 0x7e }) {
		return "\uFEFF" + text
	}
	return text
}

func pairValue(s string) string {
	if strings.ContainsAny(s, " \"=\\") {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	return s
}

// printable is a field of the header: PRINTUSASCII, or "-" for none.
func printable(s string, most int) string {
	clean := strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return '_'
	}, s)
	if clean == "" {
		return "-"
	}
	return clean[:min(len(clean), most)]
}

// paramValue quotes the value of an SD-PARAM (RFC 5424 section 6.3.3).
func paramValue(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`).Replace(clip(s, 32)) + `"`
}
