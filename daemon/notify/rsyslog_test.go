package notify

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"peervane/config"
	"peervane/daemon/notice"
)

// rsyslogConfig listens by all three transports, and forwards what it has understood of each message to the test.
const rsyslogConfig = `
global(workDirectory="%[1]s" defaultNetstreamDriverCAFile="%[1]s/ca.pem"
       defaultNetstreamDriverCertFile="%[1]s/cert.pem" defaultNetstreamDriverKeyFile="%[1]s/key.pem")
module(load="imudp")
module(load="imtcp")
template(name="understood" type="string"
         string="%%syslogfacility-text%%|%%syslogseverity-text%%|%%timereported:::date-rfc3339%%|%%hostname%%|%%app-name%%|%%procid%%|%%msgid%%|%%structured-data%%|%%msg%%\n")
ruleset(name="tell") { action(type="omfwd" target="127.0.0.1" port="%[2]s" protocol="tcp" template="understood") }
input(type="imudp" address="127.0.0.1" port="%[3]s" ruleset="tell")
input(type="imtcp" address="127.0.0.1" port="%[4]s" ruleset="tell")
input(type="imtcp" address="127.0.0.1" port="%[5]s" ruleset="tell"
      streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
`

// rsyslog starts one, and gives the ports by transport and the lines that it forwards.
func rsyslog(t *testing.T, a *authority) (ports map[string]string, lines <-chan string) {
	t.Helper()
	path := installed(t, "rsyslogd", "rsyslog and rsyslog-gnutls")
	out := make(chan string, 100)
	_, forward, _ := net.SplitHostPort(collector(t, listen(t), func(conn net.Conn) {
		for s := bufio.NewScanner(conn); s.Scan(); {
			out <- s.Text()
		}
	}))
	dir := t.TempDir()
	cert, key := a.issue("server")
	file(t, dir, "ca.pem", a.pem)
	file(t, dir, "cert.pem", cert)
	file(t, dir, "key.pem", key)
	ports = map[string]string{"udp": freePort(t), "tcp": freePort(t), "tls": freePort(t)}
	conf := file(t, dir, "rsyslog.conf", fmt.Sprintf(rsyslogConfig, dir, forward, ports["udp"], ports["tcp"], ports["tls"]))
	p := launch(t, path, "-n", "-f", conf, "-i", dir+"/pid")
	p.listens(t, "127.0.0.1:"+ports["tcp"])
	p.listens(t, "127.0.0.1:"+ports["tls"])
	return ports, out
}

func TestRsyslogUnderstands(t *testing.T) {
	a := newAuthority(t)
	ports, lines := rsyslog(t, a)
	for _, network := range []string{"udp", "tcp", "tls"} {
		c := to(network + "://127.0.0.1:" + ports[network])
		if network == "tls" {
			c = a.trusted(c)
		}
		c.Facility = 19
		s := syslogTo(t, c)
		for name, sample := range config.Samples() {
			if result := s.Send(t.Context(), deliveryOf(sample)); result.Outcome != Delivered {
				t.Fatalf("%s %s: got %+v", network, name, result)
			}
			n, err := notice.Parse(sample)
			if err != nil {
				t.Fatal(err)
			}
			line := strings.SplitN(<-lines, "|", 9)
			want := []string{"local3", syslogNames[n.Severity], n.UpdatedAt.Format("2006-01-02T15:04:05.000000Z07:00"), n.Source, "peervane", "-",
				n.Type, `[origin software="peervane" swVersion="1.2.3"]`, syslogText(&n)}
			if strings.ReplaceAll(strings.Join(line, "|"), "+00:00|", "Z|") != strings.Join(want, "|") {
				t.Errorf("%s %s: understood\n%q, want\n%q", network, name, line, want)
			}
		}
	}
}

var syslogNames = map[notice.Severity]string{notice.Critical: "crit", notice.Error: "err", notice.Warning: "warning", notice.Info: "info"}
