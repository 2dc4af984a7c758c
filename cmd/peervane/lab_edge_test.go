package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"peervane/probe/netlab"
)

// kind is one of the programs that routers run.
type kind struct {
	name    string
	program string
	config  *template.Template               // executed with the edge
	command func(e *edge) (string, []string) // to run the program with the edge's configuration
	clear   func(there string) []string      // the command that ends the session with a neighbour
	show    func(prefix string) []string     // the command that shows the routes to a prefix
	cli     func(e *edge) []string           // runs a command
	unfit   func() string                    // why the program cannot run here; "" where it can
	prepare func(cmd *exec.Cmd)
}

var kinds = []*kind{bird, frr, openbgpd, gobgpd}

// missing says why a router cannot run here; "" where it can.
func (k *kind) missing() string {
	if _, err := os.Stat(k.program); err != nil {
		return fmt.Sprintf("%s is not installed (%s)", k.name, k.program)
	}
	if k.unfit != nil {
		return k.unfit()
	}
	return ""
}

// needs skips a test where a router cannot run.
func needs(t *testing.T, k *kind) {
	t.Helper()
	if why := k.missing(); why != "" {
		skip(t, why)
	}
}

// edge is an edge router: it has the routes of both networks of the world, and gives them all to the monitor, over IPv4
// and over IPv6. Its fields and methods fill its configuration.
type edge struct {
	*kind
	in   *internet
	host *netlab.Host
	link *netlab.Link // edge to monitor

	Name       string
	N          int // in its addresses
	ASN        uint32
	MonitorASN uint32

	Password        string // of TCP MD5, at the router
	MonitorPassword string // and at the monitor
	GTSM            bool   // at the router
	Dynamic         bool   // the monitor knows only the ranges that it comes from
	Restart         restart
	Revived         bool   // it was started after a crash
	Readme          bool   // its sessions with the monitor are those of the README, which come with Extra
	Extra           string // further configuration

	Dir     string
	program *program
}

// restart is how a router goes about graceful restart.
type restart uint8

// How a router may be restarted.
const (
	plain    restart = iota // no families listed: all its routes go with its session
	forgets                 // families are listed, but the forwarding state is not preserved: F = 0
	preserve                // F = 1
)

// edge adds an edge router with its links to the world and the monitor. Cases change its fields before they start it.
func (in *internet) edge(k *kind) *edge {
	in.t.Helper()
	needs(in.t, k)
	n := len(in.edges) + 1
	e := &edge{kind: k, in: in, N: n, Name: fmt.Sprintf("edge%d", n), ASN: edgeASN, MonitorASN: monitorASN}
	e.Dir = filepath.Join(in.dir, e.Name)
	if err := os.Mkdir(e.Dir, 0o700); err != nil {
		in.t.Fatal(err)
	}
	e.host = in.host(e.Name)
	e.link = in.link(e.host, e.Here4()+"/24", in.monitor, e.Monitor4()+"/24")
	in.number(e.link, e.Here6()+"/64", e.Monitor6()+"/64")
	world := in.link(e.host, fmt.Sprintf("10.2.%d.9/24", n), in.world.host, fmt.Sprintf("10.2.%d.1/24", n))
	in.number(world, fmt.Sprintf("10.2.%d.8/24", n), fmt.Sprintf("10.2.%d.2/24", n))
	in.number(world, fmt.Sprintf("fd00:2:%d::9/64", n), fmt.Sprintf("fd00:2:%d::1/64", n))
	in.number(world, fmt.Sprintf("fd00:2:%d::8/64", n), fmt.Sprintf("fd00:2:%d::2/64", n))
	in.edges = append(in.edges, e)
	return e
}

// Here4 is the edge's address on the link to the monitor; Monitor4 is the monitor's.
func (e *edge) Here4() string    { return fmt.Sprintf("10.1.%d.1", e.N) }
func (e *edge) Monitor4() string { return fmt.Sprintf("10.1.%d.10", e.N) }
func (e *edge) Here6() string    { return fmt.Sprintf("fd00:1:%d::1", e.N) }
func (e *edge) Monitor6() string { return fmt.Sprintf("fd00:1:%d::10", e.N) }

// Monitors are the monitor's addresses, and ours beside them.
func (e *edge) Monitors() []pair {
	if e.Readme {
		return nil
	}
	return []pair{{"4", e.Here4(), e.Monitor4()}, {"6", e.Here6(), e.Monitor6()}}
}

// Networks are the networks of the world that the edge peers with.
func (e *edge) Networks() []network {
	address4 := func(host int) string { return fmt.Sprintf("10.2.%d.%d", e.N, host) }
	address6 := func(host int) string { return fmt.Sprintf("fd00:2:%d::%d", e.N, host) }
	return []network{
		{goodASN, "ipv4", address4(9), address4(1)}, {goodASN, "ipv6", address6(9), address6(1)},
		{rogueASN, "ipv4", address4(8), address4(2)}, {rogueASN, "ipv6", address6(8), address6(2)},
	}
}

// RouterID is the edge's BGP Identifier.
func (e *edge) RouterID() string { return fmt.Sprintf("10.2.%d.9", e.N) }

// Internal says whether the monitor is in the edge's own network.
func (e *edge) Internal() bool { return e.ASN == e.MonitorASN }

// Graceful says whether the router lists families for graceful restart, and Preserves whether it keeps forwarding.
func (e *edge) Graceful() bool { return e.Restart != plain }

// Preserves says whether the router says that it has forwarded all the while.
func (e *edge) Preserves() bool { return e.Restart == preserve }

type pair struct{ Family, Here, There string }

type network struct {
	ASN           uint32
	Family        string
	Here, Address string
}

// reset ends the sessions with the monitor, as an operator would.
func (e *edge) reset() {
	e.in.t.Helper()
	for _, m := range e.Monitors() {
		if _, err := e.tell(e.clear(m.There)); err != nil {
			e.in.t.Fatal(err)
		}
	}
}

// learns waits until the router has a route with this origin.
func (e *edge) learns(prefix string, origin int) {
	e.in.t.Helper()
	eventually(e.in.t, e.Name+" does not learn "+prefix, func() error {
		out, err := e.tell(e.show(prefix))
		if err == nil && !strings.Contains(out, fmt.Sprint(origin)) {
			err = errNotYet
		}
		return err
	})
}

// tell gives the router a command, and returns what it answers.
func (e *edge) tell(command []string) (string, error) {
	args := append(e.cli(e), command...)
	return output(e.in.t, e.host, args[0], args[1:]...)
}

// start starts the router's program.
func (e *edge) start() {
	t := e.in.t
	t.Helper()
	var text strings.Builder
	if err := e.config.Execute(&text, e); err != nil {
		t.Fatal(err)
	}
	write(t, e.Dir, "router.conf", text.String())
	e.run()
}

// run starts the program with the configuration that is there.
func (e *edge) run() {
	t := e.in.t
	t.Helper()
	name, args := e.command(e)
	cmd := exec.Command(name, args...)
	cmd.Dir = e.Dir
	if e.prepare != nil {
		e.prepare(cmd)
	}
	e.program = launch(t, e.Name+" ("+e.kind.name+")", e.host, cmd)
}

// crash kills the router, as a power failure would.
func (e *edge) crash() {
	e.program.kill()
	e.Revived = true
}

func (e *edge) file(name string) string { return filepath.Join(e.Dir, name) }

func parse(name, text string) *template.Template {
	return template.Must(template.New(name).Parse(text))
}

// Families are the address families of a session with the monitor.
func (e *edge) Families() []string { return []string{"ipv4", "ipv6"} }
