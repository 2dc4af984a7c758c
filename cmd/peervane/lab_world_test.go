package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"

	"peervane/probe/netlab"
)

// world is all networks beyond the edge, in one BIRD: the rightful origin behind goodASN, the hijacker behind rogueASN.
type world struct {
	in   *internet
	host *netlab.Host
}

// Each network has tables of its own, as they are different routers. What can be announced and withdrawn is a static
// protocol that begins disabled. The hijacker's route to the registered prefix itself is the longer one, so that no edge
// prefers it. The sessions over IPv6 are multihop so that no link-local next hop is told, which FRR knows no interface for.
var worldTemplate = template.Must(template.New("world.conf").Parse(`
log stderr all;
router id 10.2.0.1;
protocol device {}
ipv4 table rogue4;
ipv6 table rogue6;

filter origin { bgp_path = +empty+; bgp_path = prepend(bgp_path, {{.Origin}}); accept; }
filter hijack { bgp_path = +empty+; bgp_path = prepend(bgp_path, {{.Hijack}}); accept; }
filter longer { bgp_path = +empty+; bgp_path = prepend(bgp_path, {{.Hijack}}); bgp_path = prepend(bgp_path, {{.Hijack}}); bgp_path = prepend(bgp_path, {{.Hijack}}); accept; }

protocol static { ipv4 { import filter origin; }; route {{.Registered4}} blackhole; }
protocol static { ipv6 { import filter origin; }; route {{.Registered6}} blackhole; }
protocol static hijack4 { disabled; ipv4 { table rogue4; import filter hijack; }; route {{.Hijacked4}} blackhole; }
protocol static hijack6 { disabled; ipv6 { table rogue6; import filter hijack; }; route {{.Hijacked6}} blackhole; }
protocol static marker4 { disabled; ipv4 { table rogue4; import filter hijack; }; route {{.Marker4}} blackhole; }
protocol static origin4 { disabled; ipv4 { table rogue4; import filter longer; }; route {{.Registered4}} blackhole; }
protocol static origin6 { disabled; ipv6 { table rogue6; import filter longer; }; route {{.Registered6}} blackhole; }

template bgp transit { connect delay time 1; error wait time 1, 1; hold time 9; graceful restart on; }
{{range .Edges}}
protocol bgp good4_{{.N}} from transit {
	local 10.2.{{.N}}.1 as {{$.Good}}; neighbor 10.2.{{.N}}.9 as {{.ASN}};
	ipv4 { import none; export all; };
}
protocol bgp good6_{{.N}} from transit {
	local fd00:2:{{.N}}::1 as {{$.Good}}; neighbor fd00:2:{{.N}}::9 as {{.ASN}};
	multihop 2;
	ipv6 { import none; export all; };
}
protocol bgp rogue4_{{.N}} from transit {
	local 10.2.{{.N}}.2 as {{$.Rogue}}; neighbor 10.2.{{.N}}.8 as {{.ASN}};
	ipv4 { table rogue4; import none; export all; };
}
protocol bgp rogue6_{{.N}} from transit {
	local fd00:2:{{.N}}::2 as {{$.Rogue}}; neighbor fd00:2:{{.N}}::8 as {{.ASN}};
	multihop 2;
	ipv6 { table rogue6; import none; export all; };
}
{{end}}`))

// start starts the world once its edges are known.
func (w *world) start() {
	t := w.in.t
	t.Helper()
	var text strings.Builder
	err := worldTemplate.Execute(&text, map[string]any{
		"Origin": originASN, "Hijack": hijackASN, "Good": goodASN, "Rogue": rogueASN, "Edges": w.in.edges,
		"Registered4": registered4, "Registered6": registered6, "Hijacked4": hijacked4, "Hijacked6": hijacked6, "Marker4": marker4,
	})
	if err != nil {
		t.Fatal(err)
	}
	config := write(t, w.in.dir, "world.conf", text.String())
	launch(t, "world", w.host, exec.Command(bird.program, "-f", "-c", config, "-s", w.socket(), "-P", config+".pid"))
	eventually(t, "the world does not begin", func() error { return w.tell("show", "status") })
}

func (w *world) socket() string { return filepath.Join(w.in.dir, "world.ctl") }

func (w *world) announce(name string) { w.must("enable", name) }

func (w *world) withdraw(name string) { w.must("disable", name) }

func (w *world) must(command ...string) {
	w.in.t.Helper()
	if err := w.tell(command...); err != nil {
		w.in.t.Fatal(err)
	}
}

func (w *world) tell(command ...string) error {
	out, err := output(w.in.t, w.host, "/usr/sbin/birdc", append([]string{"-s", w.socket()}, command...)...)
	if err == nil && strings.Contains(out, "error") {
		err = fmt.Errorf("birdc: %s", out)
	}
	return err
}
