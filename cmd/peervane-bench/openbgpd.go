package main

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// openbgpd is OpenBGPD. It shuts itself into its run directory, which is made in a mount namespace of its own; and it is
// several processes, which end together in a process namespace of their own.
var openbgpd = &receiver{
	name: "OpenBGPD", program: "/usr/sbin/bgpd", version: []string{"-V"}, shown: openbgpdRoutes, every: 250 * time.Millisecond,
	unfit: func() string {
		if os.Getuid() != 0 {
			return "it must be started as root"
		}
		return ""
	},
	command: func(b *bed) *exec.Cmd {
		cmd := exec.Command("/bin/sh", "-c", `mount -t tmpfs tmpfs /run && mkdir /run/openbgpd && exec "$@"`, "sh",
			b.program, "-d", "-f", b.file("conf"))
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS}
		return cmd
	},
	config: parse(`
AS {{.Monitor}}
router-id {{.Addr}}
fib-update no
socket "{{.Dir}}/ctl"
listen on {{.Addr}} port {{.Port}}
{{range .Peers}}
neighbor {{.Addr}} {
	remote-as {{.ASN}}
	passive
	multihop 2
	announce IPv4 unicast
	announce IPv6 unicast
}
{{end}}
allow from any
`)}

var lastColumn = regexp.MustCompile(`(?m)^\S.* \d\d:\d\d:\d\d +(\d+)$`)

func openbgpdRoutes(ctx context.Context, b *bed) (int, error) {
	out, err := run(ctx, "/usr/sbin/bgpctl", "-s", b.file("ctl"), "show", "summary")
	return sum(lastColumn, strings.ReplaceAll(out, "\t", " ")), err
}
