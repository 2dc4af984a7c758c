package daemon

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"peervane/bgp"
	"peervane/bgp/wire"
	"peervane/config"
)

// BenchmarkDetection measures, at rest, what passes between a router's write of an UPDATE that hijacks a registered prefix
// and the notice being queued, and being on disk; and, on the same disk in the same run, in turns with the notices, a bare fdatasync of
// as many bytes.
//
//	go test ./daemon -run '^$' -bench Detection -benchtime 2000x
func BenchmarkDetection(b *testing.B) {
	dir := b.TempDir()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	d := New(benchConfig(dir, netip.MustParseAddrPort(l.Addr().String())), Options{Log: zap.NewNop()})
	queued, durable := make(chan time.Time, 1), make(chan time.Time, 1)
	d.hooks = hooks{
		queued:  func(time.Time) { queued <- time.Now() },
		durable: func(time.Time) { durable <- time.Now() },
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}()
	router := acceptSession(b, l)
	defer router.Close()

	bare, err := os.Create(filepath.Join(dir, "fdatasync"))
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	var toQueue, toDisk, alone []time.Duration
	for i := 0; b.Loop(); i++ {
		prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 7), byte(i << 1), 0}), 24)
		path := bgp.Sequence(64500, 100_000+uint32(i)) // a culprit each: what one does to many prefixes is told as a group
		update := wire.AppendUpdate(nil, speaks, &bgp.Attrs{Path: path, NextHop: speaker}, []wire.NLRI{{Prefix: prefix}}, nil)
		written := time.Now()
		if _, err := router.Write(update); err != nil {
			b.Fatal(err)
		}
		toQueue = append(toQueue, (<-queued).Sub(written))
		toDisk = append(toDisk, (<-durable).Sub(written))
		if _, err := router.Write(wire.AppendUpdate(nil, speaks, nil, nil, []wire.NLRI{{Prefix: prefix}})); err != nil {
			b.Fatal(err)
		}
		<-queued
		<-durable
		alone = append(alone, fdatasync(b, bare))
	}
	report(b, "queued", toQueue)
	report(b, "disk", toDisk)
	report(b, "fdatasync", alone)
}

var (
	speaker = netip.MustParseAddr("127.0.0.2")
	speaks  = wire.Params{AS4: true, Families: [bgp.NumFamilies]bool{true, true}}
)

func benchConfig(dir string, router netip.AddrPort) *config.Config {
	return &config.Config{
		Daemon: config.Daemon{ASN: 64512, RouterID: netip.MustParseAddr("127.0.0.1"), StateDir: dir},
		Probe:  config.Probe{Interval: time.Minute, Packets: 1, Timeout: time.Second},
		Peers: []config.Peer{{
			Name: "edge", Enabled: true, Address: router.Addr(), Port: router.Port(), ASN: 64500, LocalASN: 64512, Relationship: "provider",
			Families: []string{"ipv4", "ipv6"}, HoldTime: 90 * time.Second, ConnectRetry: time.Second, Table: "watched",
		}},
		Prefixes: []config.Registration{registered("10.0.0.0/8", 64496)},
	}
}

// acceptSession plays the router up to the first End-of-RIB; then it only reads.
func acceptSession(b testing.TB, l net.Listener) net.Conn {
	b.Helper()
	conn := greet(b, l)
	if _, err := conn.Write(endsOfRIB()); err != nil {
		b.Fatal(err)
	}
	return conn
}

func endsOfRIB() (ends []byte) {
	for _, f := range bgp.Families {
		ends = wire.AppendEndOfRIB(ends, f)
	}
	return ends
}

// greet plays the router until the session is up.
func greet(b testing.TB, l net.Listener) net.Conn {
	b.Helper()
	conn, err := shake(l)
	if err != nil {
		b.Fatal(err)
	}
	return conn
}

func shake(l net.Listener) (net.Conn, error) {
	conn, err := l.Accept()
	if err != nil {
		return nil, err
	}
	open := wire.Open{Version: wire.Version, ASN: 64500, HoldTime: 90, RouterID: speaker.As4()}
	open.Caps = wire.Capabilities{AS4: true, HasMP: true, Families: speaks.Families}
	if _, err := conn.Write(wire.AppendKeepalive(open.Append(nil))); err != nil {
		return nil, err
	}
	go io.Copy(io.Discard, conn) // until it is closed
	return conn, nil
}

func report(b *testing.B, what string, took []time.Duration) {
	slices.Sort(took)
	at := func(q float64) float64 {
		return float64(took[min(int(q*float64(len(took))), len(took)-1)].Nanoseconds()) / 1000
	}
	b.ReportMetric(at(0.50), what+"-p50-us")
	b.ReportMetric(at(0.99), what+"-p99-us")
}

// committed is what the transaction of one notice writes, about.
var committed = make([]byte, 48<<10)

// fdatasync appends so much to a file, and measures how long the disk takes.
func fdatasync(b *testing.B, f *os.File) time.Duration {
	b.Helper()
	if _, err := f.Write(committed); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := unix.Fdatasync(int(f.Fd())); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}
