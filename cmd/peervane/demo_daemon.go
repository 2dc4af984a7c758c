package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"peervane/config"
	"peervane/daemon"
)

// demoPatience is how long anything that must happen may take; it is far more than it does.
const demoPatience = 30 * time.Second

// demoTemplate is the configuration of the demo: one that anybody could write. The daemon reads it from a file.
var demoTemplate = template.Must(template.New("peervane.toml").Parse(`[daemon]
asn       = 64512
router_id = "192.0.2.1"
http      = "{{.HTTP}}"
state_dir = "state"
source    = "demo"

[log]
format = "json"
{{range .Transits}}
[[peer]]
name          = "{{.Name}}"
address       = "{{.Address.Addr}}"
port          = {{.Address.Port}}
asn           = {{.ASN}}
relationship  = "provider"
connect_retry = "1s"
{{end}}
[[prefix]]
prefix     = "208.65.152.0/22"
origins    = [36561]
max_length = 25                 # YouTube may announce more-specifics itself

[[prefix]]
prefix  = "198.51.100.0/24"
origins = [64496]

[detect]
relationships    = "as-rel.txt" # in CAIDA's form
path_change_hold = "1s"         # 60s by default: a demo is short

[rpki]
file = "rpki.json"              # the ASPAs of those who have some
{{if .POP}}
[[pop]]
name    = "par1"
address = "{{.POP}}"

[probe]
interval = "1s"                 # 10s by default
spacing  = "20ms"
{{end}}
[[channel]]
name          = "noc"
kind          = "webhook"
url           = "{{.Webhook}}"
secret_file   = "secret"
min_severity  = "info"
allow_private = true            # the receiver is on loopback
`))

// demoFiles are what the configuration names: who is whose provider, as CAIDA writes it down (provider|customer|-1, peers 0),
// and what three of them have said themselves, in ASPAs.
var demoFiles = map[string]string{
	"as-rel.txt": `64500|64501|0
64500|64496|-1
64501|64496|-1
64500|64510|-1
64501|64510|-1
`,
	"rpki.json": `{"roas": [], "aspas": [
  {"customer_asid": 64500, "providers": [0]},
  {"customer_asid": 64501, "providers": [0]},
  {"customer_asid": 64510, "providers": [64500, 64501]}
]}
`,
}

// demoSettings are what the template is filled with.
type demoSettings struct {
	HTTP     string
	Transits []demoPeer
	POP      string // "": none
	Webhook  string
}

type demoPeer struct {
	Name    string
	Address netip.AddrPort
	ASN     uint32
}

// demoDaemon is the real daemon, with its configuration, log and state in a folder, and its API on loopback.
type demoDaemon struct {
	*daemon.Daemon
	cfg    *config.Config
	api    string
	client *http.Client
	log    *os.File
}

// newDemoDaemon puts the daemon together from a configuration file, as `peervane run` does.
func newDemoDaemon(ctx context.Context, dir string, stage *demoStage, receiver *demoReceiver, secret string) (*demoDaemon, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	file, err := writeDemoConfig(dir, stage.settings(address, receiver.url()), secret)
	if err != nil {
		return nil, err
	}
	cfg, problems := config.Load(nil, file)
	if config.Refused(problems) {
		return nil, fmt.Errorf("the demo's configuration: %v", problems)
	}
	log, err := os.OpenFile(filepath.Join(dir, "peervane.log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	logger, _, err := newLog(cfg.Log, log, false)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return &demoDaemon{
		Daemon: daemon.New(cfg, daemon.Options{Log: logger, Version: version()}),
		cfg:    cfg, api: "http://" + address, log: log, client: &http.Client{Transport: &http.Transport{}},
	}, nil
}

func (d *demoDaemon) close() error {
	d.client.CloseIdleConnections()
	return d.log.Close()
}

// settings are what the stage asks of the configuration.
func (s *demoStage) settings(api, webhook string) demoSettings {
	out := demoSettings{HTTP: api, Webhook: webhook}
	for _, t := range s.transits {
		addr := t.listener.Addr().(*net.TCPAddr).AddrPort()
		out.Transits = append(out.Transits, demoPeer{t.name, addr, t.asn})
	}
	if s.internet != nil {
		out.POP = popAddress
	}
	return out
}

func writeDemoConfig(dir string, s demoSettings, secret string) (file string, err error) {
	var text bytes.Buffer
	if err := demoTemplate.Execute(&text, s); err != nil {
		return "", err
	}
	files := map[string]string{"peervane.toml": text.String(), "secret": secret + "\n"}
	maps.Copy(files, demoFiles)
	for name, text := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return filepath.Join(dir, "peervane.toml"), err
}

// freeAddress finds a port on loopback that nobody has. The miniature internet has all of them; elsewhere somebody may be
// faster, which the daemon then says.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// get asks the daemon's API.
func (d *demoDaemon) get(ctx context.Context, path string, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.api+path, nil)
	if err != nil {
		return err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(answer)
}

// logLine gives the latest line of the log with a text in it.
func (d *demoDaemon) logLine(with string) (string, error) {
	lines, err := d.logLines()
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.Contains(lines[i], with) {
			return lines[i], nil
		}
	}
	return "", err
}

// logTail is what to look at when something went wrong.
func (d *demoDaemon) logTail(n int) string {
	lines, err := d.logLines()
	if err != nil {
		return err.Error()
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func (d *demoDaemon) logLines() ([]string, error) {
	text, err := os.ReadFile(d.log.Name())
	return strings.Split(strings.TrimSpace(string(text)), "\n"), err
}
