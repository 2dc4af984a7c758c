package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"strconv"
)

// mailbox is an address of mail, with or without a name, as a header has it.
func mailbox(l *loading, v value) (string, bool) {
	s, ok := v.raw.(string)
	if s == "" && ok && !v.part {
		return "", true
	}
	a, err := mail.ParseAddress(s)
	if err != nil {
		return wrong[string](l, v, `an address, such as "noc@example.net" or "Peervane <peervane@example.net>"`)
	}
	return a.String(), true
}

// toldType is a type of incident; or heartbeat, which is none, so that a channel
// can be told nothing else.
func toldType(l *loading, v value) (string, bool) {
	if v.raw == "heartbeat" {
		return "heartbeat", true
	}
	return incidentType(l, v)
}

const daemonFacility = 3

// facilities are those of RFC 5424, table 1, that a service may use.
var facilities = [...]struct {
	name string
	code int
}{
	{"user", 1}, {"daemon", daemonFacility}, {"auth", 4}, {"syslog", 5}, {"authpriv", 10},
	{"local0", 16}, {"local1", 17}, {"local2", 18}, {"local3", 19},
	{"local4", 20}, {"local5", 21}, {"local6", 22}, {"local7", 23},
}

func facility(l *loading, v value) (int, bool) {
	var names []string
	for _, f := range facilities {
		if v.raw == f.name {
			return f.code, true
		}
		names = append(names, f.name)
	}
	_, ok := oneOf(names...)(l, v)
	return 0, ok
}

// authorities are certificates in a file. "" is none.
func authorities(l *loading, v value) (string, bool) {
	content, path, ok := l.publicFile(v)
	if path != "" && ok && !x509.NewCertPool().AppendCertsFromPEM([]byte(content)) {
		l.fail(v.pos(), "%s names %s, which holds no certificate; give a file with the PEM of an authority", v.name, path)
		return "", false
	}
	return content, ok
}

// certificate is one that we show, with those that lead to its authority. That
// it fits its key is checked when both are known.
func certificate(l *loading, v value) (string, bool) {
	content, _, ok := l.publicFile(v)
	return content, ok
}

func privateKey(l *loading, v value) (Secret, bool) {
	content, _, ok := l.secretFile(v)
	return NewSecret(content), ok
}

// publicFile reads a file that is no secret; like one, it may be a credential.
func (l *loading) publicFile(v value) (content, path string, ok bool) {
	name, ok := text(l, v)
	if !ok || name == "" || l.Recording {
		return "", "", ok
	}
	path = l.credential(v, name)
	content, _, err := l.read(path)
	if err != nil {
		l.unreadable(v, path, err)
		return "", path, false
	}
	return content, path, true
}

// checkTLS looks at the keys that only TLS has a use for.
func checkTLS(l *loading, c *Channel, it item) {
	if it.isBad("url", "url_file", "ca_file", "cert_file", "key_file") || l.Recording {
		return
	}
	for _, name := range []string{"ca_file", "cert_file", "key_file"} {
		if v, ok := it.own(name); ok && v.raw != "" && !usesTLS(c) {
			l.fail(v.keyPos(), "%s has no use without TLS; remove it, or write an address with TLS", name)
		}
	}
	cert, hasCert := set(it, "cert_file")
	key, hasKey := set(it, "key_file")
	switch {
	case hasCert && !hasKey:
		l.fail(cert, "cert_file stands alone; name the file with its key in key_file")
	case hasKey && !hasCert:
		l.fail(key, "key_file stands alone; name the file with its certificate in cert_file")
	case hasCert:
		if _, err := tls.X509KeyPair([]byte(c.Certificate), []byte(c.Key.Reveal())); err != nil {
			l.fail(cert, "cert_file and key_file are no pair of a PEM certificate and its key: %v", err)
		}
	}
}

func usesTLS(c *Channel) bool {
	u, err := url.Parse(c.URL.Reveal())
	switch {
	case err != nil || u.Scheme == "":
		return true // an address of the kind's own, or one that has been reported
	case u.Scheme == "smtp":
		return c.StartTLS
	}
	return u.Scheme == "https" || u.Scheme == "smtps" || u.Scheme == "tls"
}

// setTemplate takes the text of a template that makes something of every
// sample.
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
	if err := tryTemplate(content); err != nil {
		l.filed(name)
		at, message := templateError(err)
		l.fail(Pos{name, at.line, at.col}, "%s", message)
		return
	}
	c.Template = content
}

func tryTemplate(text string) error {
	t, err := CompileTemplate(text)
	if err != nil {
		return err
	}
	for name, body := range Samples() {
		if _, err := t.Execute(body); err != nil {
			return sampleError{name, err}
		}
	}
	return nil
}

// sampleError says of which sample a template makes nothing.
type sampleError struct {
	sample string
	err    error
}

func (e sampleError) Error() string { return fmt.Sprintf("%v (notice: %s)", e.err, e.sample) }

// The library's messages begin with where it was: a line, and a column that
// counts from 0 where it knows one.
var templatePlace = regexp.MustCompile(`^template: ` + templateName + `:(\d+):(?:(\d+):)? (?:executing "` + templateName + `" (?:at <` + escaper + `>: error calling ` + escaper + `: )?)?`)

func templateError(err error) (place, string) {
	at, message := place{1, 1}, err.Error()
	if m := templatePlace.FindStringSubmatch(message); m != nil {
		line, _ := strconv.ParseInt(m[1], 10, 32) // digits
		col, _ := strconv.ParseInt("0"+m[2], 10, 32)
		at, message = place{max(int32(line), 1), int32(col) + 1}, message[len(m[0]):]
	}
	return at, "the template does not work: " + message
}
