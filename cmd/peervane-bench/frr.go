package main

import (
	"context"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// frr is FRRouting's bgpd, alone, without zebra and without a log.
var frr = &receiver{
	name: "FRR bgpd", program: "/usr/lib/frr/bgpd", version: []string{"--version"}, shown: frrRoutes, every: 250 * time.Millisecond,
	command: func(b *bed) *exec.Cmd {
		return exec.Command(b.program, "-Z", "-S", "-P", "0", "-l", b.Addr.String(), "-p", strconv.Itoa(int(b.Port)),
			"--vty_socket", b.Dir, "-f", b.file("conf"), "-i", b.file("pid"), "--log-level", "emergencies")
	},
	config: parse(`
frr defaults traditional
router bgp {{.Monitor}}
 bgp router-id {{.Addr}}
 no bgp ebgp-requires-policy
 no bgp network import-check
{{- range .Peers}}
 neighbor {{.Addr}} remote-as {{.ASN}}
 neighbor {{.Addr}} passive
 neighbor {{.Addr}} disable-connected-check
{{- end}}
 address-family ipv4 unicast
{{- range .Peers}}
  neighbor {{.Addr}} activate
{{- end}}
 exit-address-family
 address-family ipv6 unicast
{{- range .Peers}}
  neighbor {{.Addr}} activate
{{- end}}
 exit-address-family
`)}

var pfxRcd = regexp.MustCompile(`"pfxRcd":(\d+)`)

func frrRoutes(ctx context.Context, b *bed) (int, error) {
	out, err := run(ctx, "/usr/bin/vtysh", "--vty_socket", b.Dir, "-d", "bgpd", "-c", "show bgp summary json")
	return sum(pfxRcd, out), err
}

// sum adds up what the pattern finds.
func sum(pattern *regexp.Regexp, text string) (total int) {
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1])
		total += n
	}
	return total
}
