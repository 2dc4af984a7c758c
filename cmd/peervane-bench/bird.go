package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"time"
)

// birdShared is BIRD as most run it, with one table for all neighbours, where it chooses the best routes; birdEach has a
// table for each neighbour, so that nothing is chosen.
var birdShared = &receiver{
	name: "BIRD, shared table", program: "/usr/sbin/bird", version: []string{"--version"}, command: runBIRD,
	shown: birdRoutes, every: 5 * time.Millisecond,
	config: parse(birdHead + `
{{range .Peers}}
protocol bgp peer{{.Index}} from one { neighbor {{.Addr}} as {{.ASN}}; ipv4 { import all; export none; }; ipv6 { import all; export none; }; }
{{end}}
`)}

var birdEach = &receiver{
	name: "BIRD, a table for each peer", program: "/usr/sbin/bird", version: []string{"--version"}, command: runBIRD,
	shown: birdRoutes, every: 5 * time.Millisecond,
	config: parse(birdHead + `
{{range .Peers}}
ipv4 table four{{.Index}};
ipv6 table six{{.Index}};
protocol bgp peer{{.Index}} from one { neighbor {{.Addr}} as {{.ASN}};
	ipv4 { table four{{.Index}}; import all; export none; }; ipv6 { table six{{.Index}}; import all; export none; }; }
{{end}}
`)}

const birdHead = `
router id {{.Addr}};
protocol device {}
template bgp one { local {{.Addr}} port {{.Port}} as {{.Monitor}}; passive; multihop; strict bind yes; hold time 240; }
`

func runBIRD(b *bed) *exec.Cmd {
	return exec.Command(b.program, "-f", "-c", b.file("conf"), "-s", b.file("ctl"), "-P", b.file("pid"))
}

// birdRoutes asks over the control socket, which costs BIRD less than starting birdc would cost the machine.
func birdRoutes(ctx context.Context, b *bed) (total int, err error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", b.file("ctl"))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, "show protocols all"); err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		line := lines.Text()
		var n int
		if _, err := fmt.Sscanf(strings.TrimSpace(line), "Routes: %d imported", &n); err == nil {
			total += n
		}
		if strings.HasPrefix(line, "0000") { // the end of an answer
			return total, nil
		}
	}
	return total, fmt.Errorf("BIRD did not answer")
}
