package notify

import (
	"fmt"
	"net/mail"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"peervane/config"
	"peervane/daemon/notice"
)

// eximConfig is a mail server that wants STARTTLS (or TLS from the start) and a password, knows nobody called nobody, and
// delivers into one file.
const eximConfig = `
primary_hostname = mail.test
spool_directory = %[1]s
log_file_path = %[1]s/%%slog
pid_file_path = %[1]s/pid
exim_user = %[2]d
exim_group = %[3]d
never_users = root
deliver_drop_privilege = true
keep_environment =
local_interfaces = 127.0.0.1
daemon_smtp_ports = %[4]s : %[5]s : %[6]s
tls_on_connect_ports = %[5]s
tls_advertise_hosts = *
tls_certificate = %[1]s/cert.pem
tls_privatekey = %[1]s/key.pem
acl_smtp_rcpt = rcpt
acl_smtp_data = accept

begin acl
rcpt:
  deny message = no such user
       local_parts = nobody
  accept authenticated = *
  deny message = log in first

begin routers
all:
  driver = accept
  transport = file

begin transports
file:
  driver = appendfile
  file = %[1]s/mbox
  envelope_to_add
  batch_max = 100
  mode = 0600
  user = %[2]d
  group = %[3]d

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{noc}}{eq{$auth3}{hunter2}}}}
  server_advertise_condition = ${if and{{def:tls_in_cipher}{!eq{$received_port}{%[6]s}}}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${if and{{eq{$auth1}{noc}}{eq{$auth2}{hunter2}}}}
  server_advertise_condition = ${if and{{def:tls_in_cipher}{eq{$received_port}{%[6]s}}}}
`

// exim is a running one.
type exim struct {
	*program
	mbox                       string
	startTLS, implicit, logins string // ports
}

// unprivileged is whom the server runs as: us, or nobody where we are root.
func unprivileged(t *testing.T) (uid, gid int) {
	t.Helper()
	if os.Getuid() != 0 {
		return os.Getuid(), os.Getgid()
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ = strconv.Atoi(nobody.Uid)
	gid, _ = strconv.Atoi(nobody.Gid)
	return uid, gid
}

func startExim(t *testing.T, a *authority) *exim {
	t.Helper()
	path := installed(t, "exim4", "exim4-daemon-light")
	uid, gid := unprivileged(t)
	dir, err := os.MkdirTemp("", "exim") // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	e := &exim{mbox: dir + "/mbox", startTLS: freePort(t), implicit: freePort(t), logins: freePort(t)}
	cert, key := a.issue("mail.test")
	file(t, dir, "cert.pem", cert)
	file(t, dir, "key.pem", key)
	conf := file(t, dir, "exim.conf", fmt.Sprintf(eximConfig, dir, uid, gid, e.startTLS, e.implicit, e.logins))
	for _, name := range []string{dir, dir + "/cert.pem", dir + "/key.pem", conf} {
		if err := os.Chown(name, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(path, "-C", conf, "-bdf")
	if uid != os.Getuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	e.program = launchCommand(t, cmd)
	e.listens(t, "127.0.0.1:"+e.logins)
	return e
}

// mails waits until so many have been delivered.
func (e *exim) mails(t *testing.T, n int) []string {
	t.Helper()
	var mails []string
	e.until(t, fmt.Sprint(n, " mails were delivered"), func() bool {
		text, _ := os.ReadFile(e.mbox) // there is none before the first mail
		mails = strings.Split(strings.TrimPrefix("\n"+string(text), "\nFrom "), "\nFrom ")
		return len(text) > 0 && len(mails) >= n && strings.HasSuffix(string(text), "--\n\n")
	})
	return mails
}

func TestEximTakesMail(t *testing.T) {
	a := newAuthority(t)
	e := startExim(t, a)
	sent := 0
	for _, url := range []string{"smtp://noc@127.0.0.1:" + e.startTLS, "smtps://noc@127.0.0.1:" + e.implicit, "smtp://noc@127.0.0.1:" + e.logins} {
		c := a.trusted(to(url))
		c.Kind, c.StartTLS, c.Secrets = "email", true, []config.Secret{config.NewSecret("hunter2")}
		c.From, c.To = sender.String(), []string{`"NOC" <noc@example.net>`, "<nobody@example.net>", "<second@example.net>"}
		m := newMailer(t, c)
		for name, sample := range config.Samples() {
			got := m.Send(t.Context(), deliveryOf(sample))
			if got.Outcome != Delivered || got.Err == nil || !strings.Contains(got.Err.Error(), "no such user") {
				t.Fatalf("%s: got %+v", name, got)
			}
			sent++
			n, err := notice.Parse(sample)
			if err != nil {
				t.Fatal(err)
			}
			checkDelivered(t, e.mails(t, sent)[sent-1], &n)
		}
	}
}

// checkDelivered finds a notice in a mail as the server has stored it.
func checkDelivered(t *testing.T, stored string, n *notice.Notice) {
	t.Helper()
	_, text, _ := strings.Cut(stored, "\n") // the rest of the mbox separator
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"noc@example.net", "second@example.net"} {
		if !strings.Contains(m.Header.Get("Envelope-to"), to) {
			t.Errorf("not delivered to %s: %v", to, m.Header)
		}
	}
	if received := m.Header.Get("Received"); !strings.Contains(received, "esmtpsa") { // with TLS and authenticated
		t.Errorf("received %s", received)
	}
	checkThread(t, m.Header, n)
	for kind, text := range mailParts(t, m) {
		if !strings.Contains(text, headline(n)) {
			t.Errorf("%s without the headline:\n%s", kind, text)
		}
	}
}

func TestEximRefusesAWrongPassword(t *testing.T) {
	a := newAuthority(t)
	e := startExim(t, a)
	c := a.trusted(to("smtp://noc@127.0.0.1:" + e.startTLS))
	c.Kind, c.StartTLS, c.Secrets = "email", true, []config.Secret{config.NewSecret("wrong")}
	c.From, c.To = sender.String(), []string{"<noc@example.net>"}
	if got := newMailer(t, c).Send(t.Context(), firingSample(t)); got.Outcome != Retry || !strings.Contains(got.Err.Error(), "answered 535") {
		t.Errorf("got %+v", got)
	}
	c.URL, c.Secrets = config.NewURL("smtp://127.0.0.1:"+e.startTLS, false), nil
	if got := newMailer(t, c).Send(t.Context(), firingSample(t)); got.Outcome != Permanent || !strings.Contains(got.Err.Error(), "log in first") {
		t.Errorf("got %+v", got)
	}
}
