package main

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"peervane/config"
)

func wrongs(looks []look) (out []string) {
	for _, l := range looks {
		if l.wrong != nil {
			out = append(out, l.what+": "+l.wrong.Error())
		}
	}
	return out
}

func TestLookAtPorts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := netip.MustParseAddrPort(taken.Addr().String())
	cfg := &config.Config{Daemon: config.Daemon{HTTP: addr, Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0"), addr}}}
	cfg.Feeds = []config.Feed{{Name: "routers", Kind: "bmp", Listen: addr}, {Name: "ris", Kind: "ris-live"}}
	want := []string{
		"daemon.http " + addr.String() + ": taken: by a daemon that runs already, or give another",
		"daemon.listen " + addr.String() + ": taken: by a daemon that runs already, or by this host's own router: give another, or none",
		"feed routers " + addr.String() + ": taken: by a daemon that runs already, or give another",
	}
	if got := wrongs(lookAtPorts(t.Context(), cfg)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLookAtFolders(t *testing.T) {
	dir := t.TempDir()
	cfg := &config.Config{Feeds: []config.Feed{{Name: "a", Kind: "mrt-dir", Path: dir}, {Name: "b", Kind: "mrt-dir", Path: dir + "/none"}, {Name: "c", Kind: "bmp"}}}
	looks := lookAtFolders(cfg)
	if got := wrongs(looks); len(looks) != 2 || len(got) != 1 || !strings.Contains(got[0], "feed b "+dir+"/none: no such file or directory: make it") {
		t.Errorf("got %q", got)
	}
}

func TestLookAtState(t *testing.T) {
	dir := t.TempDir()
	if l := lookAtState(filepath.Join(dir, "not", "there", "yet")); l.wrong != nil || !strings.HasPrefix(l.found, "can be written") {
		t.Errorf("%+v", l)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v is left behind", left)
	}
	if l := lookAtState("/dev/null"); l.wrong == nil || !strings.Contains(l.wrong.Error(), "not a directory: let this user write there") {
		t.Errorf("%+v", l)
	}
}

func TestLookAtPeers(t *testing.T) {
	router, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(router.Addr().String())
	p := config.Peer{Name: "edge1", Enabled: true, Address: addr.Addr(), Port: addr.Port()}
	off, passive := p, p
	off.Name, off.Enabled = "off", false
	passive.Name, passive.Passive = "passive", true
	cfg := &config.Config{Peers: []config.Peer{p, off, passive}}
	if got := wrongs(lookAtPeers(t.Context(), cfg)); got != nil {
		t.Errorf("got %q", got)
	}
	for listen, want := range map[int]string{
		0: "it connects to us, but daemon.listen is empty: it can only where systemd passes a socket (peervane-bgp.socket)",
		1: "it connects to us",
	} {
		cfg.Daemon.Listen = make([]netip.AddrPort, listen)
		if got := lookAtPeers(t.Context(), cfg)[2].found; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	router.Close()
	got := wrongs(lookAtPeers(t.Context(), cfg))
	if len(got) != 1 || !strings.HasPrefix(got[0], "peer edge1: "+addr.String()+": connect: connection refused: does the router know us") {
		t.Errorf("got %q", got)
	}
}

// What this host itself refuses is no question to the router.
func TestLookAtPeersFromNowhere(t *testing.T) {
	p := config.Peer{Name: "edge1", Enabled: true, Address: netip.MustParseAddr("127.0.0.2"), Port: 1}
	elsewhere, bound := p, p
	elsewhere.LocalAddress = netip.MustParseAddr("192.0.2.77")
	bound.Interface = "nowhere0"
	want := []string{
		`peer edge1: 127.0.0.2:1: bind: cannot assign requested address: local_address is 192.0.2.77: give one that this host has`,
		`peer edge1: 127.0.0.2:1: no such device: interface is "nowhere0": give one that this host has`,
	}
	if got := wrongs(lookAtPeers(t.Context(), &config.Config{Peers: []config.Peer{elsewhere, bound}})); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// What is wrong with the host is as bad as what is wrong with the file, and stands on stderr; the rest is told all the same.
func TestCheckHost(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	put(t, dir, "peervane.toml", "[daemon]\nasn = 64512\nrouter_id = \"192.0.2.10\"\nstate_dir = \"state\"\nhttp = \""+taken.Addr().String()+"\"\n")
	var out, complaints bytes.Buffer
	code := run(t.Context(), &env{&out, &complaints}, []string{"check", "--host", "-c", filepath.Join(dir, "peervane.toml")})
	if code != exitConfig || !strings.Contains(complaints.String(), ": taken: ") || !strings.Contains(out.String(), "state folder "+dir+"/state: can be written") {
		t.Errorf("exit code %d\n%s%s", code, &out, &complaints)
	}
}
