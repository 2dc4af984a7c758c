package main

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"peervane/probe/netlab"
)

// planes is a miniature internet in which latency is real: the monitor with two providers, each a BIRD that forwards what it
// routes, a cloud that both lead to, and three POPs of that, each a little farther away.
//
//	monitor --1 ms-- r1 (AS64501) --10 ms-- cloud (AS64496) --5 ms-- par1, --10 ms-- fra1, --15 ms-- ams1
//	     \                |                   /
//	      \             10 ms                /
//	       ---1 ms-- r2 (AS64502) ---15 ms---
//
// Packets to the POPs leave by r1. Probes come from an address in the registered prefix and from one outside, and the way back
// to both is that of the cloud's routes.
type planes struct {
	t        *testing.T
	dir      string
	lab      *netlab.Lab
	hosts    map[string]*netlab.Host
	links    map[string]*netlab.Link
	receiver *receiver
	watcher  *watcher
}

const planesHook = "127.0.0.1:8444" // of the receiver, on the monitor itself, so that it is reached when all else is not

// planesRouters are the configurations of the three BIRDs. What leak adds is the registered prefix by a way that nobody sells; the
// cloud takes it, and r2 drops what comes for it.
var planesRouters = map[string]string{
	"r1": `
router id 10.3.1.1;
filter origin { bgp_path = +empty+; bgp_path = prepend(bgp_path, 64510); accept; }
protocol static ours { ipv4 { import filter origin; }; route 203.0.113.0/24 via 10.3.1.10; route 192.0.2.0/24 via 10.3.1.10; }
protocol bgp cloud from network { local 10.4.1.1 as 64501; neighbor 10.4.1.2 as 64496; }
protocol bgp between from network { local 10.5.0.1 as 64501; neighbor 10.5.0.2 as 64502; }
protocol bgp monitor from customer { local 10.3.1.1 as 64501; neighbor 10.3.1.10 as 65550; }
`,
	"r2": `
router id 10.3.2.1;
protocol direct { ipv4; }
filter leaked {
	bgp_path = +empty+; bgp_path = prepend(bgp_path, 64510); bgp_path = prepend(bgp_path, 3356);
	bgp_path = prepend(bgp_path, 64666); bgp_path = prepend(bgp_path, 174); accept;
}
protocol static leak { disabled; ipv4 { import filter leaked; preference 300; }; route 203.0.113.0/24 blackhole; }
protocol bgp cloud from network { local 10.4.2.1 as 64502; neighbor 10.4.2.2 as 64496; }
protocol bgp between from network { local 10.5.0.2 as 64502; neighbor 10.5.0.1 as 64501; ipv4 { export where bgp_path !~ [= * 64666 * =]; }; }
protocol bgp monitor from customer { local 10.3.2.1 as 64502; neighbor 10.3.2.10 as 65550; }
`,
	"cloud": `
router id 10.4.1.2;
filter lured { if bgp_path ~ [= * 64666 * =] then bgp_local_pref = 200; accept; }
protocol static pops { ipv4; route 198.18.1.0/24 via 10.6.1.2; route 198.18.2.0/24 via 10.6.2.2; route 198.18.3.0/24 via 10.6.3.2; }
protocol bgp r1 from network { local 10.4.1.2 as 64496; neighbor 10.4.1.1 as 64501; }
protocol bgp r2 from network { local 10.4.2.2 as 64496; neighbor 10.4.2.1 as 64502; ipv4 { import filter lured; }; }
`,
}

const planesCommon = `
log stderr all;
protocol device {}
protocol kernel { ipv4 { import none; export all; }; }
template bgp network { connect delay time 1; connect retry time 1; error wait time 1, 1; hold time 9; ipv4 { import all; export all; next hop self; }; }
template bgp customer { connect delay time 1; connect retry time 1; error wait time 1, 1; hold time 9; ipv4 { import none; export all; next hop self; }; }
`

var planesSettings = template.Must(template.New("peervane.toml").Parse(`
[daemon]
asn = 65550
router_id = "10.3.1.10"
source = "monitor"
[log]
level = "debug"
[defaults.peer]
relationship = "provider"
hold_time = "9s"
connect_retry = "1s"
table = "full"
[[peer]]
name = "r1"
address = "10.3.1.1"
asn = 64501
[[peer]]
name = "r2"
address = "10.3.2.1"
asn = 64502
[[prefix]]
prefix = "203.0.113.0/24"
origins = [64510]
[probe]
interval = "1s"
packets = 3
spacing = "20ms"
timeout = "500ms"
sources = ["203.0.113.1", "192.0.2.10"]
trace_interval = "5s"
{{range .POPs}}
[[pop]]
name = "{{.Name}}"
address = "{{.Address}}"
{{end}}
[[channel]]
name = "noc"
kind = "webhook"
url = "http://{{.Hook}}/"
min_severity = "info"
allow_private = true
`))

type planesPOP struct{ Name, Address string }

var planesPOPs = []planesPOP{{"par1", "198.18.1.1"}, {"fra1", "198.18.2.1"}, {"ams1", "198.18.3.1"}}

// newPlanes builds all of it, and waits until the daemon knows what is usual.
func newPlanes(t *testing.T, binary string) *planes {
	t.Helper()
	needs(t, bird)
	lab := newLab(t)
	p := &planes{t: t, dir: shortDir(t), lab: lab, hosts: map[string]*netlab.Host{}, links: map[string]*netlab.Link{}}
	for _, name := range []string{"monitor", "r1", "r2", "cloud", "par1", "fra1", "ams1"} {
		h, err := lab.Host(name)
		p.must(err)
		p.hosts[name] = h
	}
	p.link("monitor", "10.3.1.10/24", "r1", "10.3.1.1/24", 1)
	p.link("monitor", "10.3.2.10/24", "r2", "10.3.2.1/24", 1)
	p.link("r1", "10.4.1.1/24", "cloud", "10.4.1.2/24", 10)
	p.link("r2", "10.4.2.1/24", "cloud", "10.4.2.2/24", 15)
	p.link("r1", "10.5.0.1/24", "r2", "10.5.0.2/24", 10)
	for i, pop := range planesPOPs {
		p.link("cloud", fmt.Sprintf("10.6.%d.1/24", i+1), pop.Name, fmt.Sprintf("10.6.%d.2/24", i+1), 5*(i+1))
		p.must(p.hosts[pop.Name].Assign(netip.MustParseAddr(pop.Address)))
		p.route(pop.Name, "0.0.0.0/0", fmt.Sprintf("10.6.%d.1", i+1))
	}
	for _, addr := range []string{"203.0.113.1", "192.0.2.10"} {
		p.must(p.hosts["monitor"].Assign(netip.MustParseAddr(addr)))
	}
	p.route("monitor", "198.18.0.0/16", "10.3.1.1")
	for name := range planesRouters {
		config := write(t, p.dir, name+".conf", planesCommon+planesRouters[name])
		launch(t, name, p.hosts[name], exec.Command(bird.program, "-f", "-c", config, "-s", p.socket(name), "-P", config+".pid"))
	}
	for _, pop := range planesPOPs {
		p.learnt("r1", pop.Address, "cloud")
		p.learnt("r2", pop.Address, "cloud")
	}
	p.learnt("r2", "203.0.113.1", "between")
	p.startDaemon(binary, planesPOPs)
	return p
}

func (p *planes) startDaemon(binary string, pops []planesPOP) {
	p.t.Helper()
	ln, err := p.hosts["monitor"].Listen(p.t.Context(), "tcp", planesHook)
	p.must(err)
	p.receiver = newReceiver(p.t, ln, nil, nil)
	p.watcher = runPeervane(p.t, binary, p.hosts["monitor"], p.configure(pops))
	p.watcher.established(p.t)
	p.watcher.sees(p.t, "203.0.113.0/24", 2)
	p.calm(35)
}

func (p *planes) configure(pops []planesPOP) string {
	var text strings.Builder
	p.must(planesSettings.Execute(&text, struct {
		POPs []planesPOP
		Hook string
	}{pops, planesHook}))
	return write(p.t, p.dir, "peervane.toml", text.String())
}

func (p *planes) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *planes) link(a, addrA, b, addrB string, ms int) {
	p.t.Helper()
	k, err := p.lab.Link(p.hosts[a], netip.MustParsePrefix(addrA), p.hosts[b], netip.MustParsePrefix(addrB))
	p.must(err)
	p.links[a+" "+b] = k
	p.set(a+" "+b, netlab.Impairment{Delay: time.Duration(ms) * time.Millisecond})
}

// set changes what a link does to packets, both ways.
func (p *planes) set(link string, imp netlab.Impairment) {
	p.t.Helper()
	p.must(p.links[link].Set(netlab.Both, imp))
}

func (p *planes) route(host, dst, via string) {
	p.t.Helper()
	p.must(p.hosts[host].Route(netip.MustParsePrefix(dst), netip.MustParseAddr(via)))
}

func (p *planes) socket(router string) string { return filepath.Join(p.dir, router+".ctl") }

// learnt waits until a router has its route to an address from one of its protocols: routes that came later would be changes.
func (p *planes) learnt(router, address, from string) {
	p.t.Helper()
	eventually(p.t, router+" does not learn its way to "+address, func() error {
		out, err := output(p.t, p.hosts[router], "/usr/sbin/birdc", "-s", p.socket(router), "show", "route", "primary", "for", address)
		if err != nil {
			return err
		}
		if !strings.Contains(out, "["+from+" ") {
			return fmt.Errorf("%w: %s", errNotYet, out)
		}
		return nil
	})
}

// tell gives a router a command.
func (p *planes) tell(router string, command ...string) {
	p.t.Helper()
	out, err := output(p.t, p.hosts[router], "/usr/sbin/birdc", append([]string{"-s", p.socket(router)}, command...)...)
	if err == nil && strings.Contains(out, "error") {
		err = fmt.Errorf("birdc: %s", out)
	}
	p.must(err)
}

// shownFlow is one way in which a POP is probed.
type shownFlow struct{ POP, Source string }

// shownLatency is what the API tells of a flow, as far as the cases look at it.
type shownLatency struct {
	shownFlow
	Points []struct {
		Loss float64
	}
}

// calm waits until nothing was lost of so many batches in a row, by every way: there is a baseline after 30, and what was lost before
// counts no more after 12.
func (p *planes) calm(batches int) {
	p.t.Helper()
	p.measured("not all POPs answer", func(flows []shownLatency) error {
		for _, f := range flows {
			if n := f.inARow(); n < batches {
				return fmt.Errorf("POP %s from %s: %d batches", f.POP, f.Source, n)
			}
		}
		return nil
	})
}

// inARow is of how many batches nothing was lost, the latest ones.
func (f *shownLatency) inARow() int {
	n := 0
	for _, point := range slices.Backward(f.Points) {
		if point.Loss > 0 {
			break
		}
		n++
	}
	return n
}

// goOn waits for so many batches more by every way.
func (p *planes) goOn(batches int) {
	p.t.Helper()
	wanted := map[shownFlow]int{}
	p.measured("the POPs are not probed", func(flows []shownLatency) (err error) {
		for _, f := range flows {
			if _, known := wanted[f.shownFlow]; !known {
				wanted[f.shownFlow] = len(f.Points) + batches
			}
			if len(f.Points) < wanted[f.shownFlow] {
				err = fmt.Errorf("POP %s from %s: %d batches", f.POP, f.Source, len(f.Points))
			}
		}
		return err
	})
}

// measured asks, as often as new batches come, until what was measured lately is what is waited for.
func (p *planes) measured(what string, enough func([]shownLatency) error) {
	p.t.Helper()
	late := time.After(patience)
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		flows, err := ask[[]shownLatency](p.t, p.watcher, "/api/v1/latency?window=10m")
		if err == nil && len(flows) != 2*len(planesPOPs) {
			err = errNotYet
		}
		if err == nil {
			err = enough(flows)
		}
		if err == nil {
			return
		}
		select {
		case <-late:
			p.t.Fatalf("%s: %v", what, err)
		case <-again.C:
		}
	}
}

// expect waits for a notice of a type and status.
func (p *planes) expect(status, kind, pop string) alert {
	p.t.Helper()
	return p.receiver.expect(p.t, fmt.Sprintf("%s %s %s", status, kind, pop), func(a *alert) bool {
		return a.Status == status && a.Type == kind && (pop == "" || a.POP == pop)
	})
}

// noiseMS is what a busy machine adds to a latency: its relays then wait for a processor. The cases move it by 30 ms.
const noiseMS = 15

// pass takes what was told and is of no interest.
func (p *planes) pass(is func(a *alert) bool) {
	for a, _ := p.receiver.find(is); a != nil; a, _ = p.receiver.find(is) {
	}
}

// quiet holds what was told so far to what was expected.
func (p *planes) quiet(step string) {
	p.t.Helper()
	p.pass(func(a *alert) bool {
		l := a.Evidence.Latency
		return a.POP != "" && l != nil && l.ShiftMS != nil && math.Abs(*l.ShiftMS) < noiseMS
	})
	p.receiver.nothingElse(p.t)
	if p.t.Failed() {
		p.t.Fatalf("after: %s", step)
	}
}

// blackhole drops what goes to a prefix on this thread's host, of which no router tells; unblackhole ends that.
func blackhole(prefix string) error { return netlink.RouteAdd(blackholeRoute(prefix)) }

func unblackhole(prefix string) error { return netlink.RouteDel(blackholeRoute(prefix)) }

func blackholeRoute(prefix string) *netlink.Route {
	_, dst, _ := net.ParseCIDR(prefix) // written here
	return &netlink.Route{Dst: dst, Type: unix.RTN_BLACKHOLE, Priority: 1}
}
