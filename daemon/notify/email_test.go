package notify

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"

	"peervane/config"
	"peervane/daemon/notice"
)

var sender = &mail.Address{Name: "Peervane Müller", Address: "peervane@example.net"}

func TestMails(t *testing.T) {
	for name, sample := range config.Samples() {
		n, err := notice.Parse(sample)
		if err != nil {
			t.Fatal(err)
		}
		message, err := mailMessage(&n, sender, []string{`"NOC" <noc@example.net>`, "<second@example.net>"})
		if err != nil {
			t.Fatal(err)
		}
		checkMail(t, message, &n)
		golden(t, "testdata/email/"+name+".eml", []byte(strings.ReplaceAll(string(message), "\r\n", "\n")))
	}
}

// checkMail reads a mail as a reader of mail does, and finds the notice in it.
func checkMail(t *testing.T, message []byte, n *notice.Notice) {
	t.Helper()
	for line := range strings.SplitSeq(string(message), "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n\x00") || strings.ContainsFunc(line, func(r rune) bool { return r > 0x7e }) {
			t.Errorf("a line that RFC 5322 section 2.1.1 or RFC 5321 forbids: %q", line)
		}
	}
	m, err := mail.ReadMessage(strings.NewReader(string(message)))
	if err != nil {
		t.Fatal(err)
	}
	from, err := m.Header.AddressList("From")
	if err != nil || *from[0] != *sender {
		t.Errorf("from %v, %v", from, err)
	}
	if to, err := m.Header.AddressList("To"); err != nil || len(to) == 0 {
		t.Errorf("to %v, %v", to, err)
	}
	if at, err := m.Header.Date(); err != nil || at.Unix() != n.UpdatedAt.Unix() {
		t.Errorf("date %v, %v", at, err)
	}
	if got, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil || got != mailSubject(n) {
		t.Errorf("subject %q, %v", got, err)
	}
	checkThread(t, m.Header, n)
	for kind, text := range mailParts(t, m) {
		if !strings.Contains(text, headline(n)) {
			t.Errorf("%s without the headline:\n%s", kind, text)
		}
	}
}

// checkThread wants every mail of an incident to lead to that of its firing.
func checkThread(t *testing.T, h mail.Header, n *notice.Notice) {
	t.Helper()
	thread := "<" + n.Incident + "@example.net>"
	own, parent := "<"+n.Delivery+"@example.net>", thread
	if n.Status == notice.Firing && n.Type != notice.Heartbeat {
		own, parent = thread, ""
	}
	if h.Get("Message-ID") != own || h.Get("In-Reply-To") != parent || h.Get("References") != parent {
		t.Errorf("%s: %v", n.Status, h)
	}
}

// mailParts gives the decoded parts of a mail by their type.
func mailParts(t *testing.T, m *mail.Message) map[string]string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	parts := map[string]string{}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		kind, params, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err != nil || params["charset"] != "utf-8" {
			t.Errorf("%s %v %v", kind, params, err)
		}
		parts[kind] = string(text)
	}
	if len(parts) != 2 {
		t.Errorf("%d parts", len(parts))
	}
	return parts
}

func TestMailOfAMonster(t *testing.T) {
	n, err := notice.Parse(monster(t, notice.Firing))
	if err != nil {
		t.Fatal(err)
	}
	n.Offending = n.Prefix
	n.Type = "type\r\nBcc: everybody@example.net\r\n\r\nbody é " + strings.Repeat("x", 500)
	message, err := mailMessage(&n, sender, []string{"<noc@example.net>"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := mail.ReadMessage(strings.NewReader(string(message)))
	if err != nil {
		t.Fatal(err)
	}
	if m.Header.Get("Bcc") != "" {
		t.Error("a header was injected")
	}
	if html := mailParts(t, m)["text/html"]; strings.Contains(html, "<!channel>") || !strings.Contains(html, "&lt;!channel&gt;") {
		t.Error("HTML was injected")
	}
	if len(message) > 100<<10 {
		t.Errorf("%d bytes", len(message))
	}
}

// scripted is an SMTP server that answers as told: by the beginning of the command, the longest that fits.
type scripted struct {
	mu      sync.Mutex
	answers map[string]string
	tls     *tls.Config
	seen    chan []string // the commands of each conversation, DATA's text left out
}

// answer gives the answer to a command; "" is the greeting. An empty answer ends the conversation.
func (s *scripted) answer(command string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if command == "" {
		return s.answers[""]
	}
	best := ""
	for begin := range s.answers {
		if strings.HasPrefix(command, begin) && len(begin) > len(best) {
			best = begin
		}
	}
	if best == "" {
		return ""
	}
	return s.answers[best]
}

func (s *scripted) set(command, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[command] = answer
}

var goodServer = map[string]string{
	"": "220 mail.test", "EHLO": "250-mail.test\r\n250-STARTTLS\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN", "STARTTLS": "220 go", "AUTH PLAIN": "235 ok",
	"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go", ".": "250 taken", "QUIT": "221 bye",
}

func (s *scripted) serve(conn net.Conn) {
	var seen []string
	defer func() { s.seen <- seen }()
	r := bufio.NewReader(conn)
	say := func(command string) bool {
		answer := s.answer(command)
		fmt.Fprint(conn, strings.TrimPrefix(answer+"\r\n", "\r\n"))
		return answer != ""
	}
	if !say("") {
		return
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		seen = append(seen, line)
		if !say(line) {
			return
		}
		switch {
		case line == "STARTTLS" && strings.HasPrefix(s.answer(line), "220"):
			conn = tls.Server(conn, s.tls)
			r = bufio.NewReader(conn)
		case line == "DATA" && strings.HasPrefix(s.answer(line), "354"):
			for line != "." {
				if line, err = r.ReadString('\n'); err != nil {
					return
				}
				line = strings.TrimRight(line, "\r\n")
			}
			if !say(".") {
				return
			}
		}
	}
}

// mailVia gives a channel to a scripted server, which answers well but for the differences.
func mailVia(t *testing.T, a *authority, differences map[string]string) (config.Channel, *scripted) {
	s := &scripted{answers: map[string]string{}, tls: a.serverTLS(), seen: make(chan []string, 10)}
	for command, answer := range goodServer {
		s.answers[command] = answer
	}
	for command, answer := range differences {
		s.answers[command] = answer
	}
	c := a.trusted(to("smtp://noc@" + collector(t, listen(t), s.serve)))
	c.Kind, c.StartTLS, c.Secrets = "email", true, []config.Secret{config.NewSecret("hunter2")}
	c.From, c.To = sender.String(), []string{"<noc@example.net>", "<second@example.net>"}
	return c, s
}

func newMailer(t *testing.T, c config.Channel) Notifier {
	t.Helper()
	n, err := newEmail(c, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEmailConversation(t *testing.T) {
	a := newAuthority(t)
	c, server := mailVia(t, a, nil)
	if got := newMailer(t, c).Send(t.Context(), firingSample(t)); got.Outcome != Delivered || got.Err != nil {
		t.Fatalf("got %+v", got)
	}
	seen := <-server.seen
	var verbs []string
	for _, line := range seen {
		verb, _, _ := strings.Cut(line, " ")
		verbs = append(verbs, verb)
	}
	if want := []string{"EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "RCPT", "DATA", "QUIT"}; !slices.Equal(verbs, want) {
		t.Errorf("got %q", seen)
	}
}

// passwordPlain is how the password goes to the server.
const passwordPlain = "AG5vYwBodW50ZXIy"

func TestEmailAnswers(t *testing.T) {
	a := newAuthority(t)
	for name, c := range map[string]struct {
		differences map[string]string
		want        Outcome
		words       string
	}{
		"no greeting":            {map[string]string{"": ""}, Retry, "connection closed"},
		"not now":                {map[string]string{"": "421 busy"}, Retry, "answered 421"},
		"not ever":               {map[string]string{"": "554 no"}, Retry, "answered 554"},
		"no STARTTLS":            {map[string]string{"EHLO": "250 mail.test"}, Retry, "offers no STARTTLS"},
		"STARTTLS refused":       {map[string]string{"STARTTLS": "454 not now"}, Retry, "answered 454"},
		"no AUTH":                {map[string]string{"EHLO": "250-mail.test\r\n250 STARTTLS"}, Retry, "neither AUTH PLAIN nor LOGIN"},
		"AUTH it does not know":  {map[string]string{"EHLO": "250-mail.test\r\n250-STARTTLS\r\n250 AUTH XOAUTH2"}, Retry, "XOAUTH2"},
		"wrong password":         {map[string]string{"AUTH PLAIN": "535 no"}, Retry, "answered 535"},
		"password repeated":      {map[string]string{"AUTH PLAIN": "535 no: AUTH PLAIN " + passwordPlain + ", hunter2, aHVudGVyMg=="}, Retry, "no: AUTH PLAIN"},
		"sender refused":         {map[string]string{"MAIL": "550 no"}, Permanent, "MAIL: 550"},
		"sender put off":         {map[string]string{"MAIL": "451 later"}, Retry, "MAIL: 451"},
		"all recipients refused": {map[string]string{"RCPT": "550 nobody here"}, Permanent, "RCPT second@example.net: 550"},
		"all put off":            {map[string]string{"RCPT": "450 later"}, Retry, "RCPT"},
		"one refused":            {map[string]string{"RCPT TO:<second": "550 no such user"}, Delivered, "RCPT second@example.net"},
		"one put off":            {map[string]string{"RCPT TO:<second": "450 later"}, Retry, "RCPT second@example.net"},
		"data refused":           {map[string]string{"DATA": "554 no"}, Permanent, "DATA: 554"},
		"mail refused":           {map[string]string{".": "552 too large"}, Permanent, "DATA: 552"},
		"mail put off":           {map[string]string{".": "452 full"}, Retry, "DATA: 452"},
		"gone before the end":    {map[string]string{".": ""}, Retry, "connection closed"},
		"no farewell":            {map[string]string{"QUIT": ""}, Delivered, ""},
	} {
		t.Run(name, func(t *testing.T) {
			channel, _ := mailVia(t, a, c.differences)
			got := newMailer(t, channel).Send(t.Context(), firingSample(t))
			if got.Outcome != c.want || (c.words != "" && (got.Err == nil || !strings.Contains(got.Err.Error(), c.words))) {
				t.Errorf("got %+v", got)
			}
			for _, secret := range [...]string{"hunter2", "aHVudGVyMg", passwordPlain} {
				if got.Err != nil && strings.Contains(got.Err.Error(), secret) {
					t.Errorf("the password is told: %v", got.Err)
				}
			}
		})
	}
}

func TestEmailIsTriedAgainOnlyForThoseWhoLackIt(t *testing.T) {
	a := newAuthority(t)
	channel, server := mailVia(t, a, map[string]string{"RCPT TO:<second": "450 later"})
	m := newMailer(t, channel)
	for i, want := range []string{"noc second", "second", "second"} {
		if i == 2 {
			server.set("RCPT TO:<second", "250 ok")
		}
		got := m.Send(t.Context(), firingSample(t))
		if (got.Outcome == Delivered) != (i == 2) || got.Partly != (i < 2) {
			t.Errorf("attempt %d: %+v", i+1, got)
		}
		var asked []string
		for _, line := range <-server.seen {
			if to, ok := strings.CutPrefix(line, "RCPT TO:<"); ok {
				asked = append(asked, strings.TrimSuffix(to, "@example.net>"))
			}
		}
		if strings.Join(asked, " ") != want {
			t.Errorf("attempt %d asked for %v, want %s", i+1, asked, want)
		}
	}
	if left := len(m.(*email).taken); left != 0 {
		t.Errorf("%d deliveries are still remembered", left)
	}
}

func TestEmailByLogin(t *testing.T) {
	a := newAuthority(t)
	channel, server := mailVia(t, a, map[string]string{
		"EHLO": "250-mail.test\r\n250-STARTTLS\r\n250 AUTH LOGIN", "AUTH LOGIN": "334 VXNlcm5hbWU6", "bm9j": "334 UGFzc3dvcmQ6", "aHVudGVyMg==": "235 ok",
	})
	if got := newMailer(t, channel).Send(t.Context(), firingSample(t)); got.Outcome != Delivered {
		t.Errorf("got %+v: %q", got, <-server.seen)
	}
}

func TestEmailRefusesPrivateAddresses(t *testing.T) {
	a := newAuthority(t)
	c, _ := mailVia(t, a, nil)
	for _, url := range []string{c.URL.Reveal(), "smtps://localhost", "smtp://[::1]", "smtp://10.0.0.1"} {
		c.URL, c.AllowPrivate = config.NewURL(url, false), false
		if got := newMailer(t, c).Send(t.Context(), firingSample(t)); got.Outcome != Retry || !strings.Contains(got.Err.Error(), "allow_private") {
			t.Errorf("%s: got %+v", url, got)
		}
	}
}

func TestEmailTrustsNobodyElse(t *testing.T) {
	a := newAuthority(t)
	c, _ := mailVia(t, a, nil)
	c.CA = newAuthority(t).pem
	if got := newMailer(t, c).Send(t.Context(), firingSample(t)); got.Outcome != Retry || !strings.Contains(got.Err.Error(), "certificate cannot be verified") {
		t.Errorf("got %+v", got)
	}
}
