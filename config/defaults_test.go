package config

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestDefaultsAreOverruled(t *testing.T) {
	cfg := mustLoad(t, files("a.toml", daemonTable+`
[defaults.peer]
hold_time = "30s"
relationship = "customer"
labels = { site = "par" }
families = ["ipv4"]

[defaults.pop]
service = "cdn"

[[peer]]
name = "a"
address = "192.0.2.1"
asn = 64500

[[peer]]
name = "b"
address = "192.0.2.2"
asn = 64512
hold_time = "9s"
labels = {}
local_asn = 64999
relationship = "provider"

[[peer]]
name = "c"
address = "10.0.0.0/8"
asn = 64512

[[pop]]
name = "par1"
address = "par1.example.net"
`))
	a, b, c := cfg.Peers[0], cfg.Peers[1], cfg.Peers[2]
	if a.HoldTime != 30*time.Second || a.Relationship != Customer || a.Labels["site"] != "par" || !slices.Equal(a.Families, []string{"ipv4"}) {
		t.Errorf("a: %+v", a)
	}
	if b.HoldTime != 9*time.Second || b.Relationship != Provider || b.LocalASN != 64999 || len(b.Labels) != 0 {
		t.Errorf("b: %+v", b)
	}
	if c.Relationship != Internal || !c.Passive || !c.Dynamic.IsValid() || c.Address.IsValid() {
		t.Errorf("c: %+v", c)
	}
	if p := cfg.POPs[0]; p.Service != "cdn" || p.Host != "par1.example.net" || p.Address.IsValid() {
		t.Errorf("POP: %+v", p)
	}
}

func TestPrefixDefaults(t *testing.T) {
	cfg := mustLoad(t, files("a.toml", "prefixes = [\"203.0.113.0/24\", \"203.0.112.0/25\", \"2001:db8::/32\"]\n"+daemonTable+`
[defaults.prefix]
origins = [64497, 64496]
max_length = 24
labels = { team = "noc" }

[[prefix]]
prefix = "198.51.100.0/22"

[[prefix]]
prefix = "198.51.104.0/24"
origins = [64499]
max_length = 26

[[prefix]]
prefix = "198.51.105.0/24"
any_origin = true

[[prefix]]
prefix = "198.51.106.0/24"
expect = "absent"
`))
	var lengths []int
	var origins [][]uint32
	for _, r := range cfg.Prefixes {
		lengths, origins = append(lengths, r.MaxLength()), append(origins, r.Policy.Origins)
	}
	if want := []int{24, 26, 24, 24, 24, 25, 32}; !slices.Equal(lengths, want) {
		t.Errorf("longest more-specifics %v, want %v", lengths, want)
	}
	both := []uint32{64496, 64497}
	if want := [][]uint32{both, {64499}, nil, nil, both, both, both}; !reflect.DeepEqual(origins, want) {
		t.Errorf("origins %v, want %v", origins, want)
	}
	if cfg.Prefixes[4].Policy != cfg.Prefixes[6].Policy {
		t.Error("plain registrations do not share their policy")
	}
}

func TestMinPrimaryFollowsThePeers(t *testing.T) {
	cfg := mustLoad(t, files("a.toml", daemonTable+peerTable("a", "192.0.2.1")+peerTable("b", "192.0.2.2")+peerTable("dyn", "10.0.0.0/8")+`
[[connection]]
name = "none"
[[connection]]
name = "one"
primary = ["a"]
[[connection]]
name = "two"
primary = ["a", "b"]
[[connection]]
name = "three"
primary = ["dyn"]
min_primary = 3
[[connection]]
name = "neighbour"
primary = ["dyn/10.0.0.1"]
`))
	var got []int
	for _, c := range cfg.Connections {
		got = append(got, c.MinPrimary)
	}
	if want := []int{1, 1, 2, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("min_primary %v, want %v", got, want)
	}
}

// Two loads of the same files are equal, item by item: a reload that changes
// nothing touches nothing.
func TestLoadsAreComparable(t *testing.T) {
	first := mustLoad(t, everythingFiles())
	second := mustLoad(t, everythingFiles())
	if !reflect.DeepEqual(first, second) {
		t.Error("two loads of the same files differ")
	}
}
