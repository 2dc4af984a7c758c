package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"time"
)

// peervaneFull and peervaneWatched are the real daemon with all that it does: every detector, the store, the API.
var peervaneFull = &receiver{
	name: "peervane, table = full", version: []string{"version"}, config: peervaneConfig, command: runPeervane,
	shown: peervaneRoutes, ready: peervaneHasLast, every: 5 * time.Millisecond,
}

var peervaneWatched = &receiver{
	name: "peervane, table = watched", version: []string{"version"}, config: peervaneConfig, command: runPeervane,
	shown: peervaneRoutes, ready: peervaneHasLast, every: 5 * time.Millisecond, watched: true,
}

func runPeervane(b *bed) *exec.Cmd { return exec.Command(b.Program, "run", "-c", b.file("conf")) }

var peervaneConfig = parse(peervaneText)

const peervaneText = `
[daemon]
asn = {{.Monitor}}
router_id = "{{.Addr}}"
listen = ["{{.Addr}}:{{.Port}}"]
http = "{{.HTTP}}"
state_dir = "state"
[log]
level = "info"
[defaults.peer]
passive = true
relationship = "provider"
table = "{{if .Watched}}watched{{else}}full{{end}}"
{{range .Peers}}
[[peer]]
name = "peer{{.Index}}"
address = "{{.Addr}}"
asn = {{.ASN}}
{{end}}
{{range .Watched}}
[[prefix]]
prefix = "{{.}}"
any_origin = true
max_length = {{.Addr.BitLen}}
{{end}}
`

// ask asks the daemon's API.
func (b *bed) ask(ctx context.Context, page string, into any) error {
	body, err := b.get(ctx, "/api/v1/"+page)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

func (b *bed) get(ctx context.Context, page string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.HTTP.String()+page, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", page, resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// peervaneHasLast says whether every peer's last route is shown.
func peervaneHasLast(ctx context.Context, b *bed) (bool, error) {
	var routes []struct{}
	err := b.ask(ctx, "routes?match=exact&prefix="+url.QueryEscape(b.Last.String()), &routes)
	return len(routes) == len(b.Peers), err
}

func peervaneRoutes(ctx context.Context, b *bed) (int, error) {
	peers, err := b.peervanePeers(ctx)
	n := 0
	for _, p := range peers {
		n += p.Routes["ipv4"] + p.Routes["ipv6"]
	}
	return n, err
}

type shownPeer struct {
	Name    string
	Routes  map[string]int
	Updates uint64
}

// peervanePeers is what the daemon shows from now on: it shows a picture that may be a second old.
func (b *bed) peervanePeers(ctx context.Context) (peers []shownPeer, err error) {
	var status struct{ At time.Time }
	for asked := time.Now(); !status.At.After(asked); time.Sleep(b.every) {
		if err := b.ask(ctx, "status", &status); err != nil {
			return nil, err
		}
	}
	return peers, b.ask(ctx, "peers", &peers)
}
