package main

import "os/exec"

// pmbgpd is pmacct's BGP collector, which keeps tables but cannot be asked for them.
var pmbgpd = &receiver{
	name: "pmbgpd", program: "/usr/sbin/pmbgpd", version: []string{"-V"},
	command: func(b *bed) *exec.Cmd { return exec.Command(b.program, "-f", b.file("conf")) },
	config: parse(`
bgp_daemon_ip: {{.Addr}}
bgp_daemon_port: {{.Port}}
bgp_daemon_as: {{.Monitor}}
bgp_daemon_id: {{.Addr}}
bgp_daemon_max_peers: 64
bgp_table_dump_file: {{.Dir}}/table
bgp_table_dump_refresh_time: 86400
`)}
