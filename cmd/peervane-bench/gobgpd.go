package main

import (
	"context"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// gobgpd is GoBGP's daemon.
var gobgpd = &receiver{
	name: "gobgpd", program: "/usr/bin/gobgpd", version: []string{"--version"}, shown: gobgpdRoutes, every: 500 * time.Millisecond,
	command: func(b *bed) *exec.Cmd {
		return exec.Command(b.program, "-f", b.file("conf"), "-t", "toml", "--api-hosts", b.HTTP.String(), "--pprof-disable", "-l", "error")
	},
	config: parse(`
[global.config]
  as = {{.Monitor}}
  router-id = "{{.Addr}}"
  port = {{.Port}}
  local-address-list = ["{{.Addr}}"]
{{range .Peers}}
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{{.Addr}}"
    peer-as = {{.ASN}}
  [neighbors.transport.config]
    passive-mode = true
  [neighbors.ebgp-multihop.config]
    enabled = true
    multihop-ttl = 2
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-unicast"
{{end}}
`)}

var received = regexp.MustCompile(`(?m)Establ *\| *(\d+)`)

func gobgpdRoutes(ctx context.Context, b *bed) (int, error) {
	out, err := run(ctx, "/usr/bin/gobgp", "-u", b.HTTP.Addr().String(), "-p", strconv.Itoa(int(b.HTTP.Port())), "neighbor")
	return sum(received, out), err
}
