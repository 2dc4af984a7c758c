package main

import "strings"

// frr is FRRouting's bgpd, alone: without zebra, so that the kernel's tables are left as they are.
var frr = &kind{
	name:    "FRR",
	program: "/usr/lib/frr/bgpd",
	command: func(e *edge) (string, []string) {
		return e.kind.program, []string{
			"-Z", "-S", "-M", "bgpd_bmp", "-P", "0", "--vty_socket", e.Dir, "-f", e.file("router.conf"), "-i", e.file("pid"), "--log", "stdout",
		}
	},
	cli:   func(e *edge) []string { return []string{"/usr/bin/vtysh", "--vty_socket", e.Dir, "-d", "bgpd", "-c"} },
	clear: func(there string) []string { return []string{"clear bgp " + there} },
	show: func(prefix string) []string {
		if strings.Contains(prefix, ":") {
			return []string{"show bgp ipv6 unicast " + prefix}
		}
		return []string{"show bgp ipv4 unicast " + prefix}
	},
	config: parse("frr.conf", `
frr defaults traditional
hostname {{.Name}}
router bgp {{.ASN}}
 bgp router-id {{.RouterID}}
 no bgp ebgp-requires-policy
 no bgp network import-check
{{- if .Graceful}}
 bgp graceful-restart
 bgp graceful-restart select-defer-time 5
{{- end}}
{{- if .Preserves}}
 bgp graceful-restart preserve-fw-state
{{- end}}
{{- range .Networks}}
 neighbor {{.Address}} remote-as {{.ASN}}
 neighbor {{.Address}} update-source {{.Here}}
 neighbor {{.Address}} timers 3 9
 neighbor {{.Address}} timers connect 1
{{- end}}
{{- range .Monitors}}
 neighbor {{.There}} remote-as {{$.MonitorASN}}
 neighbor {{.There}} timers 3 9
 neighbor {{.There}} timers connect 1
{{- if $.Password}}
 neighbor {{.There}} password {{$.Password}}
{{- end}}
{{- if $.GTSM}}
 neighbor {{.There}} ttl-security hops 1
{{- end}}
{{- if not $.Internal}}
 neighbor {{.There}} local-role provider
{{- end}}
{{- end}}
{{range $af := .Families}}
 address-family {{$af}} unicast
{{- range $.Networks}}
{{- if eq .Family $af}}
  neighbor {{.Address}} activate
{{- else if eq .Family "ipv6"}}
  no neighbor {{.Address}} activate
{{- end}}
{{- end}}
{{- range $.Monitors}}
  neighbor {{.There}} activate
  neighbor {{.There}} addpath-tx-all-paths
  neighbor {{.There}} prefix-list none in
{{- end}}
 exit-address-family
{{end}}
!
{{.Extra}}
ip prefix-list none seq 5 deny any
ipv6 prefix-list none seq 5 deny any
`),
}
