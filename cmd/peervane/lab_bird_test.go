package main

import "strings"

// bird is BIRD 2.
var bird = &kind{
	name:    "BIRD",
	program: "/usr/sbin/bird",
	command: func(e *edge) (string, []string) {
		args := []string{"-f", "-c", e.file("router.conf"), "-s", e.file("ctl"), "-P", e.file("pid")}
		if e.Revived && e.Restart == preserve {
			args = append(args, "-R")
		}
		return e.kind.program, args
	},
	cli: func(e *edge) []string { return []string{"/usr/sbin/birdc", "-s", e.file("ctl")} },
	clear: func(there string) []string {
		if strings.Contains(there, ":") {
			return []string{"restart", "monitor6"}
		}
		return []string{"restart", "monitor4"}
	},
	show: func(prefix string) []string { return []string{"show", "route", "for", prefix} },
	config: parse("bird.conf", `
log stderr all;
router id {{.RouterID}};
graceful restart wait 5;
protocol device {}
template bgp neighbour { hold time 9; connect delay time 1; error wait time 1, 1;{{if .Graceful}} graceful restart on;{{end}} }
{{range $i, $n := .Networks}}
protocol bgp network{{$i}} from neighbour {
	local {{.Here}} as {{$.ASN}}; neighbor {{.Address}} as {{.ASN}};
	{{.Family}} { import all; export none; };
}
{{end}}
{{range .Monitors}}
protocol bgp monitor{{.Family}} from neighbour {
	local {{.Here}} as {{$.ASN}}; neighbor {{.There}} as {{$.MonitorASN}};
	{{if $.Password}}password "{{$.Password}}";{{end}}
	{{if $.GTSM}}ttl security on;{{end}}
	{{if not $.Internal}}local role provider;{{end}}
	ipv4 { import none; export all; add paths tx; };
	ipv6 { import none; export all; add paths tx; };
}
{{end}}
{{.Extra}}
`),
}
