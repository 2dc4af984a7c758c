package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// openbgpd is OpenBGPD. It shuts itself into its run directory, which is made in a mount namespace of its own; and it is
// several processes, which end together in a process namespace of their own. It lists no families for graceful restart.
var openbgpd = &kind{
	name:    "OpenBGPD",
	program: "/usr/sbin/bgpd",
	command: func(e *edge) (string, []string) {
		return "/bin/sh", []string{"-c", `mount -t tmpfs tmpfs /run && mkdir /run/openbgpd && exec "$@"`, "sh",
			e.kind.program, "-d", "-f", e.file("router.conf")}
	},
	cli:   func(e *edge) []string { return []string{"/usr/sbin/bgpctl", "-s", e.file("ctl")} },
	clear: func(there string) []string { return []string{"neighbor", there, "clear"} },
	show:  func(prefix string) []string { return []string{"show", "rib", prefix} },
	unfit: func() string {
		uids, err := os.ReadFile("/proc/self/uid_map")
		if f := strings.Fields(string(uids)); err == nil && len(f) == 3 && f[2] == "1" {
			return "OpenBGPD gives its rights up to a user of its own, which there is not in this user namespace: run as root"
		}
		return ""
	},
	prepare: func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS}
	},
	config: parse("bgpd.conf", `
AS {{.ASN}}
router-id {{.RouterID}}
fib-update no
socket "{{.Dir}}/ctl"
holdtime 9
connect-retry 1
{{range .Networks}}
neighbor {{.Address}} {
	remote-as {{.ASN}}
	local-address {{.Here}}
}
{{end}}
{{range .Monitors}}
neighbor {{.There}} {
	remote-as {{$.MonitorASN}}
	descr "monitor{{.Family}}"
	announce IPv4 unicast
	announce IPv6 unicast
	announce add-path send all
{{- if not $.Internal}}
	announce policy provider
{{- end}}
{{- if $.GTSM}}
	ttl-security yes
{{- end}}
{{- if $.Password}}
	tcp md5sig password {{$.Password}}
{{- end}}
}
{{end}}
allow from any
{{range .Networks}}
deny to {{.Address}}
{{end}}
{{range .Monitors}}
deny from {{.There}}
allow to {{.There}}
{{end}}
`),
}
