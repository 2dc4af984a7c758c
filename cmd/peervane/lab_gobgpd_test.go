package main

import "strings"

// gobgpd is GoBGP's daemon.
var gobgpd = &kind{
	name:    "gobgpd",
	program: "/usr/bin/gobgpd",
	command: func(e *edge) (string, []string) {
		args := []string{"-f", e.file("router.conf"), "-t", "toml", "--api-hosts", "127.0.0.1:50051", "--pprof-disable"}
		if e.Revived && e.Restart == preserve {
			args = append(args, "-r")
		}
		return e.kind.program, args
	},
	cli:   func(*edge) []string { return []string{"/usr/bin/gobgp", "-p", "50051"} },
	clear: func(there string) []string { return []string{"neighbor", there, "reset"} },
	show: func(prefix string) []string {
		if strings.Contains(prefix, ":") {
			return []string{"global", "rib", prefix, "-a", "ipv6"}
		}
		return []string{"global", "rib", prefix, "-a", "ipv4"}
	},
	config: parse("gobgpd.toml", `
[global.config]
  as = {{.ASN}}
  router-id = "{{.RouterID}}"
[global.apply-policy.config]
  default-import-policy = "accept-route"
  default-export-policy = "accept-route"
{{range .Networks}}
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{{.Address}}"
    peer-as = {{.ASN}}
  [neighbors.transport.config]
    local-address = "{{.Here}}"
  [neighbors.timers.config]
    hold-time = 9
    keepalive-interval = 3
    connect-retry = 1
    idle-hold-time-after-reset = 1
{{- if $.Graceful}}
  [neighbors.graceful-restart.config]
    enabled = true
    restart-time = 120
    deferral-time = 5
{{- end}}
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "{{.Family}}-unicast"
{{- if $.Graceful}}
    [neighbors.afi-safis.mp-graceful-restart.config]
      enabled = true
{{- end}}
{{end}}
{{range .Monitors}}
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{{.There}}"
    peer-as = {{$.MonitorASN}}
{{- if $.Password}}
    auth-password = "{{$.Password}}"
{{- end}}
{{- if $.GTSM}}
  [neighbors.ttl-security.config]
    enabled = true
    ttl-min = 255
{{- end}}
  [neighbors.timers.config]
    hold-time = 9
    keepalive-interval = 3
    connect-retry = 1
    idle-hold-time-after-reset = 1
{{- if $.Graceful}}
  [neighbors.graceful-restart.config]
    enabled = true
    restart-time = 120
    deferral-time = 5
{{- end}}
{{- range $.Families}}
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "{{.}}-unicast"
    [neighbors.afi-safis.add-paths.config]
      send-max = 8
{{- if $.Graceful}}
    [neighbors.afi-safis.mp-graceful-restart.config]
      enabled = true
{{- end}}
{{- end}}
{{end}}
{{.Extra}}
`),
}
