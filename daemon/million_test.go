package daemon

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/wire"
	"peervane/config"
)

const million = 1_000_000

// registeredMillion are different prefixes in no order, as long as those of the internet, a sixth of them IPv6.
func registeredMillion() []netip.Prefix {
	rnd := rand.New(rand.NewPCG(1, 2))
	seen, list := make(map[netip.Prefix]bool, million), make([]netip.Prefix, 0, million)
	for len(list) < million {
		a := [4]byte{byte(11 + rnd.IntN(80)), byte(rnd.IntN(256)), byte(rnd.IntN(256))}
		p := netip.PrefixFrom(netip.AddrFrom4(a), 24-rnd.IntN(2)*rnd.IntN(9)).Masked()
		if rnd.IntN(6) == 0 {
			a := [16]byte{0x2a, byte(rnd.IntN(16)), byte(rnd.IntN(256)), byte(rnd.IntN(64)), byte(rnd.IntN(256)), byte(rnd.IntN(256))}
			p = netip.PrefixFrom(netip.AddrFrom16(a), 48-rnd.IntN(2)*rnd.IntN(17)).Masked()
		}
		if !seen[p] {
			seen[p], list = true, append(list, p)
		}
	}
	return list
}

// millionFiles is a configuration of one router, and of a list without the prefix at a place of it.
type millionFiles struct {
	dir      string
	prefixes []netip.Prefix
	loader   config.Loader
}

func (m *millionFiles) write(b *testing.B, router string, without int) {
	b.Helper()
	var list bytes.Buffer
	for i, p := range m.prefixes {
		if i != without {
			fmt.Fprintf(&list, "%s %d\n", p, 64496+i%16)
		}
	}
	text := "prefix_file = \"list\"\n[daemon]\nasn = 64512\nrouter_id = \"127.0.0.1\"\nhttp = \"\"\nstate_dir = \"state\"\n" + router
	for name, content := range map[string][]byte{"list": list.Bytes(), "peervane.toml": []byte(text)} {
		if err := os.WriteFile(filepath.Join(m.dir, name), content, 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// load is as that of the command.
func (m *millionFiles) load() (*config.Config, []config.Problem) {
	cfg, problems := m.loader.Load(filepath.Join(m.dir, "peervane.toml"))
	m.loader.Previous = cfg
	return cfg, problems
}

func liveHeap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkMillion registers a million prefixes with the whole daemon: how long its configuration loads, what each of them
// holds of memory, and how long a reload takes that changes one of them in the middle of the list. With a session, that
// announces each of them.
func BenchmarkMillion(b *testing.B) {
	b.Run("no session", func(b *testing.B) { benchmarkMillion(b, false) })
	b.Run("each announced", func(b *testing.B) { benchmarkMillion(b, true) })
}

func benchmarkMillion(b *testing.B, announced bool) {
	m := &millionFiles{dir: b.TempDir(), prefixes: registeredMillion()}
	router := ""
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	if announced {
		at := netip.MustParseAddrPort(l.Addr().String())
		router = fmt.Sprintf("[[peer]]\nname = \"edge\"\naddress = %q\nport = %d\nasn = 64500\nrelationship = \"provider\"\n", at.Addr(), at.Port())
	}
	m.write(b, router, -1)
	before := liveHeap()
	began := time.Now()
	cfg, problems := m.load()
	if config.Refused(problems) {
		b.Fatal(problems)
	}
	loaded := time.Since(began)
	d := New(cfg, Options{Log: zap.NewNop(), Load: m.load})
	cfg = nil
	stop := launch(b, d)
	defer stop()
	await := func(done func() bool) {
		for deadline := time.Now().Add(10 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
			told := false
			if !d.call(b.Context(), func() { told = done() }) || time.Now().After(deadline) {
				b.Fatal("the daemon does not come so far")
			}
			if told {
				return
			}
		}
	}
	await(func() bool { return d.snapshot.Load().Status.Ready })
	if announced {
		conn := greet(b, l)
		defer conn.Close()
		announceAll(b, conn, m.prefixes)
		if _, err := conn.Write(endsOfRIB()); err != nil {
			b.Fatal(err)
		}
		await(func() bool {
			a := &d.engine.agenda
			return d.engine.table.byPrefix.Size() == million && !a.waits() && len(d.publisher.unwritten) == 0
		})
	}
	each := (liveHeap() - before) / million
	var took []time.Duration
	for i := range 7 {
		m.write(b, router, []int{million / 2, -1}[i%2])
		began := time.Now()
		if err := d.Reload(b.Context()); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	after := (liveHeap() - before) / million
	for b.Loop() { // all is measured once
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(loaded.Seconds(), "s-to-load")
	b.ReportMetric(each, "bytes/prefix")
	b.ReportMetric(after, "bytes/prefix-after-reloads")
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms-to-reload")
	b.ReportMetric(took[len(took)-1].Seconds()*1000, "ms-to-reload-worst")
}

func announceAll(b *testing.B, conn net.Conn, prefixes []netip.Prefix) {
	b.Helper()
	var updates []byte
	for i, p := range prefixes {
		a := &bgp.Attrs{Path: bgp.Sequence(64500, uint32(64496+i%16)), NextHop: speaker}
		if p.Addr().Is6() {
			a.NextHop = netip.MustParseAddr("2001:db8::1")
		}
		updates = wire.AppendUpdate(updates, speaks, a, []wire.NLRI{{Prefix: p}}, nil)
		if len(updates) > 1<<20 || i == len(prefixes)-1 {
			if _, err := conn.Write(updates); err != nil {
				b.Fatal(err)
			}
			updates = updates[:0]
		}
	}
}
