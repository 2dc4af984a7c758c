package notify

import (
	"bytes"
	"fmt"
	"html/template"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"

	"peervane/daemon/notice"
)

const maxSubject = 200

// mailMessage is a notice as mail (RFC 5322): plain text, and HTML for those who prefer it. The mails of one incident are
// a thread, of which that of the firing is the first.
func mailMessage(n *notice.Notice, from *mail.Address, to []string) ([]byte, error) {
	var b bytes.Buffer
	body := multipart.NewWriter(&b)
	// What has "=_" in it cannot stand in a quoted-printable line (RFC 2045 section 6.7).
	if err := body.SetBoundary("=_" + n.Delivery); err != nil {
		return nil, fmt.Errorf("the notice's delivery id is none: %w", err)
	}
	for _, line := range mailHeader(n, from, to, body.Boundary()) {
		b.WriteString(line + "\r\n")
	}
	b.WriteString("\r\n")
	var html strings.Builder
	if err := mailHTML.Execute(&html, newMailPage(n)); err != nil {
		return nil, err
	}
	for _, part := range [...]struct{ kind, text string }{{"text/plain", mailText(n)}, {"text/html", html.String()}} {
		w, err := body.CreatePart(textproto.MIMEHeader{
			"Content-Type": {part.kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"},
		})
		if err != nil {
			return nil, err
		}
		q := quotedprintable.NewWriter(w)
		q.Write([]byte(part.text)) // into memory
		q.Close()
	}
	err := body.Close() // writes the end
	return b.Bytes(), err
}

func mailHeader(n *notice.Notice, from *mail.Address, to []string, boundary string) []string {
	_, domain, _ := strings.Cut(from.Address, "@")
	thread, own := fmt.Sprintf("<%s@%s>", n.Incident, domain), fmt.Sprintf("<%s@%s>", n.Delivery, domain)
	lines := []string{
		"From: " + from.String(),
		"To: " + strings.Join(to, ",\r\n "),
		"Subject: " + mime.QEncoding.Encode("utf-8", mailSubject(n)),
		"Date: " + n.UpdatedAt.Format(time.RFC1123Z),
	}
	if n.Status == notice.Firing && n.Type != notice.Heartbeat {
		lines = append(lines, "Message-ID: "+thread)
	} else {
		lines = append(lines, "Message-ID: "+own, "In-Reply-To: "+thread, "References: "+thread)
	}
	return append(lines,
		"Auto-Submitted: auto-generated", // RFC 3834: no answer by a machine
		"MIME-Version: 1.0",
		"Content-Type: "+mime.FormatMediaType("multipart/alternative", map[string]string{"boundary": boundary}),
	)
}

// mailSubject changes from mail to mail of an incident only in brackets, which do not count where mail is threaded by its
// subject (RFC 5256 section 2.1).
func mailSubject(n *notice.Notice) string {
	return clip(fmt.Sprintf("[%s %s] %s", strings.ToUpper(string(n.Status)), n.Severity, subject(n)), maxSubject)
}

func mailText(n *notice.Notice) string {
	var b strings.Builder
	b.WriteString(headline(n) + "\n\n" + n.Summary + "\n\n")
	for _, f := range facts(n) {
		fmt.Fprintf(&b, "%-18s %s\n", f.Name+":", f.Value)
	}
	for _, section := range mailSections(n) {
		b.WriteString("\n" + section.Title + ":\n")
		for _, line := range section.Lines {
			b.WriteString("  " + line + "\n")
		}
	}
	return b.String()
}

type mailSection struct {
	Title string
	Lines []string
}

func mailSections(n *notice.Notice) []mailSection {
	var sections []mailSection
	add := func(title string, lines []string) {
		if len(lines) > 0 {
			sections = append(sections, mailSection{title, lines})
		}
	}
	e := &n.Evidence
	add("Routes", routeLines(e.Routes))
	add("Before", routeLines(e.Previous))
	add("What to do", e.Hints)
	return sections
}

// mailPage is what the HTML shows.
type mailPage struct {
	Headline, Summary, Colour string
	Facts                     []fact
	Sections                  []mailSection
}

func newMailPage(n *notice.Notice) mailPage {
	colour := "#1f6feb"
	switch {
	case n.Status == notice.Resolved:
		colour = "#1a7f37"
	case n.Severity >= notice.Error:
		colour = "#b42318"
	case n.Severity == notice.Warning:
		colour = "#9a6700"
	}
	return mailPage{headline(n), n.Summary, colour, facts(n), mailSections(n)}
}

var mailHTML = template.Must(template.New("mail").Parse(`<!DOCTYPE html>
<html><body style="font-family: sans-serif">
<p style="background: {{.Colour}}; color: #ffffff; padding: 8px; font-weight: bold">{{.Headline}}</p>
<p>{{.Summary}}</p>
<table cellpadding="2">
{{- range .Facts}}
<tr><td style="color: #57606a">{{.Name}}</td><td>{{.Value}}</td></tr>
{{- end}}
</table>
{{- range .Sections}}
<p>{{.Title}}:</p>
<pre>{{range .Lines}}{{.}}
{{end}}</pre>
{{- end}}
</body></html>
`))
