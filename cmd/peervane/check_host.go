package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"peervane/config"
	"peervane/daemon"
)

// look is one thing that a configuration needs of its host, and what is wrong with it: nil, and found says what is there.
type look struct {
	what  string
	found string
	wrong error
}

// lookAtHost tells whether the daemon would find on this host what its configuration needs. It is for before a start: a daemon
// that runs holds its ports.
func lookAtHost(ctx context.Context, e *env, cfg *config.Config) error {
	looks := slices.Concat(lookAtPorts(ctx, cfg), lookAtFolders(cfg), lookAtPing(cfg), []look{lookAtState(daemon.StateDir(cfg)), lookAtClock()}, lookAtPeers(ctx, cfg))
	bad := 0
	for _, l := range looks {
		if l.wrong != nil {
			bad++
			fmt.Fprintf(e.stderr, "%s: %v\n", l.what, l.wrong)
			continue
		}
		if _, err := fmt.Fprintf(e.stdout, "%s: %s\n", l.what, l.found); err != nil {
			return err
		}
	}
	if bad > 0 {
		return exit{code: exitConfig}
	}
	return nil
}

// lookAtPorts opens what the daemon would listen on.
func lookAtPorts(ctx context.Context, cfg *config.Config) (looks []look) {
	try := func(what string, addr netip.AddrPort, otherwise string) {
		l := look{what: fmt.Sprintf("%s %s", what, addr), found: "free"}
		var lc net.ListenConfig
		socket, err := lc.Listen(ctx, "tcp", addr.String())
		switch {
		case err == nil:
			l.wrong = socket.Close()
		case errors.Is(err, unix.EADDRINUSE):
			l.wrong = errors.New("taken: by a daemon that runs already, or " + otherwise)
		case errors.Is(err, fs.ErrPermission):
			l.wrong = fmt.Errorf("%w: let systemd open it (peervane-bgp.socket), and leave it out here", reason(err))
		default:
			l.wrong = reason(err)
		}
		looks = append(looks, l)
	}
	if cfg.Daemon.HTTP.IsValid() {
		try("daemon.http", cfg.Daemon.HTTP, "give another")
	}
	for _, addr := range cfg.Daemon.Listen {
		try("daemon.listen", addr, "by this host's own router: give another, or none")
	}
	for _, f := range cfg.Feeds {
		if f.Kind == "bmp" {
			try("feed "+f.Name, f.Listen, "give another")
		}
	}
	return looks
}

// lookAtFolders reads the folders that feeds are read from.
func lookAtFolders(cfg *config.Config) (looks []look) {
	for _, f := range cfg.Feeds {
		if f.Kind != "mrt-dir" {
			continue
		}
		l := look{what: fmt.Sprintf("feed %s %s", f.Name, f.Path), found: "can be read"}
		if _, err := os.ReadDir(f.Path); err != nil {
			l.wrong = fmt.Errorf("%w: make it, let this user read it, or give another path", cause(err))
		}
		looks = append(looks, l)
	}
	return looks
}

// lookAtPing opens the sockets that ICMP probes need.
func lookAtPing(cfg *config.Config) (looks []look) {
	if !slices.ContainsFunc(cfg.POPs, func(p config.POP) bool { return p.ICMP }) {
		return nil
	}
	for _, f := range [...]struct {
		what             string
		domain, protocol int
	}{{"ping sockets for IPv4", unix.AF_INET, unix.IPPROTO_ICMP}, {"ping sockets for IPv6", unix.AF_INET6, unix.IPPROTO_ICMPV6}} {
		l := look{what: f.what, found: "open"}
		fd, err := unix.Socket(f.domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, f.protocol)
		if errors.Is(err, unix.EACCES) {
			fd, err = unix.Socket(f.domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, f.protocol)
		}
		switch {
		case err == nil:
			_ = unix.Close(fd)
		case errors.Is(err, unix.EAFNOSUPPORT):
			l.found = "this host does not speak it"
		default:
			l.wrong = fmt.Errorf("%w: open them to this user with sysctl net.ipv4.ping_group_range (50-peervane.conf)", err)
		}
		looks = append(looks, l)
	}
	return looks
}

// leastSpace is what a state folder should have, in bytes.
const leastSpace = 100 << 20

// lookAtState writes a file where the database will be, or in the nearest folder above that is there.
func lookAtState(dir string) look {
	l := look{what: "state folder " + dir}
	for {
		_, err := os.Stat(dir)
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	f, err := os.CreateTemp(dir, ".peervane-check-")
	if err != nil {
		l.wrong = fmt.Errorf("%w: let this user write there, or give daemon.state_dir another", cause(err))
		return l
	}
	l.wrong = errors.Join(f.Close(), os.Remove(f.Name()))
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err == nil {
		space := disk.Bavail * uint64(disk.Bsize)
		l.found = fmt.Sprintf("can be written, %d MB free", space>>20)
		if space < leastSpace {
			l.wrong = errors.Join(l.wrong, fmt.Errorf("%d MB are free: make room, %d MB at least", space>>20, leastSpace>>20))
		}
	}
	l.found = cmp.Or(l.found, "can be written")
	return l
}

func cause(err error) error {
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// lookAtClock asks the kernel whether anything keeps the time right.
func lookAtClock() look {
	l := look{what: "clock", found: "synchronised"}
	state, err := unix.Adjtimex(&unix.Timex{})
	switch {
	case err != nil:
		l.wrong = err
	case state == unix.TIME_ERROR:
		l.wrong = errors.New("not synchronised: notices and events would carry wrong times; run an NTP client")
	}
	return l
}

// peerPatience is how long a router may take to accept a connection.
const peerPatience = 3 * time.Second

// lookAtPeers connects to each router that the daemon would connect to, and says no word of BGP.
func lookAtPeers(ctx context.Context, cfg *config.Config) []look {
	looks := make([]look, len(cfg.Peers))
	var each sync.WaitGroup
	for i, p := range cfg.Peers {
		each.Go(func() { looks[i] = lookAtPeer(ctx, &p, len(cfg.Daemon.Listen) > 0) })
	}
	each.Wait()
	return looks
}

func lookAtPeer(ctx context.Context, p *config.Peer, listens bool) look {
	l := look{what: "peer " + p.Name}
	switch {
	case !p.Enabled:
		l.found = "not enabled"
		return l
	case p.Passive || p.Dynamic.IsValid():
		l.found = "it connects to us"
		if !listens {
			l.found += ", but daemon.listen is empty: it can only where systemd passes a socket (peervane-bgp.socket)"
		}
		return l
	case p.Password.Reveal() != "" || p.GTSMHops > 0:
		l.found = "protected, so only the daemon itself can connect"
		return l
	}
	d := net.Dialer{Timeout: peerPatience}
	if p.LocalAddress.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(p.LocalAddress, 0))
	}
	if p.Interface != "" {
		d.Control = boundTo(p.Interface)
	}
	to := net.JoinHostPort(p.Address.String(), strconv.Itoa(int(p.Port)))
	conn, err := d.DialContext(ctx, "tcp", to)
	if err != nil {
		l.wrong = fmt.Errorf("%s: %w: %s", to, reason(err), whatToAsk(p, err))
		return l
	}
	_ = conn.Close()
	l.found = to + " accepts connections"
	return l
}

// whatToAsk is where to look first after a connection that failed: what this host refused has not reached the router.
func whatToAsk(p *config.Peer, err error) string {
	switch {
	case errors.Is(err, unix.ENODEV) && p.Interface != "":
		return fmt.Sprintf("interface is %q: give one that this host has", p.Interface)
	case errors.Is(err, unix.EADDRNOTAVAIL) && p.LocalAddress.IsValid():
		return fmt.Sprintf("local_address is %s: give one that this host has", p.LocalAddress)
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.EADDRNOTAVAIL), errors.Is(err, unix.ENETUNREACH):
		return "has this host an address and a route to reach it from?"
	}
	return "does the router know us as a neighbour, and does no filter stand between?"
}

// boundTo keeps a connection to an interface or VRF.
func boundTo(device string) func(string, string, syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var err error
		return errors.Join(c.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), device) }), err)
	}
}
