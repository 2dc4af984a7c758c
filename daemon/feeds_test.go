package daemon

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"peervane/bgp"
	"peervane/bgp/wire"
	"peervane/config"
	"peervane/daemon/api"
)

// A hijack that only a collector sees fires out of the updates that it writes, ends out of them, and is no less so when the folder
// is lost.
func TestMRTDirFeed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rrc00")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(-10 * time.Minute)
	(&mrt{at: now}).rib(64500, "203.0.113.0/24", 64500, 64496).put(t, dir, "bview.1")
	(&mrt{at: now.Add(-time.Minute)}).update(64500, "203.0.113.0/24", "", 64500, 15169).put(t, dir, "updates.0")
	w := feedDaemon(t, config.Feed{Name: "archive", Kind: "mrt-dir", Path: dir})
	w.awaitRoutes("203.0.113.0/24", "archive/rrc00/192.0.2.1/64500 64500 64496")

	(&mrt{at: now.Add(5 * time.Minute)}).update(64500, "203.0.113.0/24", "", 64500, 15169).put(t, dir, "updates.2")
	told := w.await("origin_change", `"firing"`, `"culprit_asn":15169`, "archive/rrc00/192.0.2.1/64500")
	if began := fmt.Sprintf(`"started_at":"%s`, now.Add(5*time.Minute).UTC().Format("2006-01-02T15:04:05")); !strings.Contains(told, began) {
		t.Errorf("not of the time of the record, %s: %s", began, told)
	}
	(&mrt{at: now.Add(6 * time.Minute)}).update(64500, "203.0.113.0/24", "", 64500, 64496).put(t, dir, "updates.3")
	w.await("origin_change", `"resolved"`)

	(&mrt{at: now.Add(7 * time.Minute)}).update(64500, "203.0.113.0/24", "", 64500, 13335).put(t, dir, "updates.4")
	w.await("origin_change", `"firing"`, `"culprit_asn":13335`)
	away := dir + ".away"
	if err := os.Rename(dir, away); err != nil {
		t.Fatal(err)
	}
	w.await("origin_change", `"updated"`, "vantage_lost", `"culprit_asn":13335`)
	w.feed("archive", func(f api.Feed) bool { return f.State == "down" && f.LastError != "" && f.VantagesUp == 0 })
	if err := os.Rename(away, dir); err != nil {
		t.Fatal(err)
	}
	w.awaitRoutes("203.0.113.0/24", "archive/rrc00/192.0.2.1/64500 64500 13335")
	(&mrt{at: now.Add(8 * time.Minute)}).update(64500, "203.0.113.0/24", "", 64500, 64496).put(t, dir, "updates.5")
	w.await("origin_change", `"resolved"`, `"culprit_asn":13335`)
}

// A reload leaves a feed alone that did not change, learns from its files what is newly registered, and forgets it when it goes.
func TestMRTDirReload(t *testing.T) {
	dir := t.TempDir()
	at := time.Now().Add(-time.Minute)
	(&mrt{at: at}).rib(64500, "198.51.100.0/24", 64500, 64497).put(t, dir, "rib.1")
	(&mrt{at: at.Add(time.Second)}).update(64500, "203.0.113.0/24", "", 64500, 15169).put(t, dir, "updates.1")
	feed := config.Feed{Name: "archive", Kind: "mrt-dir", Path: dir}
	w := feedDaemon(t, feed)
	w.await("origin_change", `"firing"`)
	was := w.d.feeds.all[0]
	w.awaitRoutes("198.51.100.0/24", "")
	w.reload(func(c *config.Config) {
		c.Prefixes = append([]config.Registration{registered("198.51.100.0/24", 64497)}, c.Prefixes...)
	})
	w.awaitRoutes("198.51.100.0/24", "archive/192.0.2.1/64500 64500 64497")
	if w.d.feeds.all[0] != was {
		t.Error("a feed was made anew that did not change")
	}
	w.reload(func(c *config.Config) { c.Feeds = nil })
	w.await("origin_change", `"resolved"`)
	w.awaitRoutes("198.51.100.0/24", "")
	w.reload(func(c *config.Config) { c.Feeds = []config.Feed{feed} })
	w.await("origin_change", `"firing"`)
	w.reload(func(c *config.Config) {
		c.Feeds = []config.Feed{{Name: "archive", Kind: "mrt-dir", Path: t.TempDir()}}
	})
	w.await("origin_change", `"resolved"`)
	w.feed("archive", func(f api.Feed) bool { return f.State == "waiting" && f.Vantages == 0 })
}

// What a feed's vantage showed before a restart stands until that vantage shows better.
func TestFeedOverARestart(t *testing.T) {
	dir := t.TempDir()
	at := time.Now().Add(-time.Minute)
	(&mrt{at: at}).update(64500, "203.0.113.0/24", "", 64500, 15169).put(t, dir, "updates.1")
	w := feedDaemon(t, config.Feed{Name: "archive", Kind: "mrt-dir", Path: dir})
	fired := w.await("origin_change", `"firing"`)
	w.stop()
	if err := os.Remove(filepath.Join(dir, "updates.1")); err != nil {
		t.Fatal(err)
	}
	w = feedDaemonOf(t, w.cfg)
	w.feed("archive", func(f api.Feed) bool { return f.State == "waiting" })
	if open := w.d.Snapshot().Incidents; len(open) != 1 || !strings.Contains(fired, open[0].Incident) {
		t.Errorf("open are %+v", open)
	}
	(&mrt{at: at.Add(time.Second)}).update(64500, "203.0.113.0/24", "", 64500, 64496).put(t, dir, "updates.2")
	w.await("origin_change", `"resolved"`)
}

// risServer speaks as RIS Live does, to one client at a time.
func risServer(t *testing.T) (url string, conns chan *websocket.Conn) {
	conns = make(chan *websocket.Conn, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		for first := true; ; first = false {
			if _, _, err := c.Read(context.Background()); err != nil {
				return
			}
			if first {
				conns <- c
			}
		}
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http"), conns
}

func risSays(t *testing.T, c *websocket.Conn, path string) {
	t.Helper()
	text := fmt.Sprintf(`{"type":"ris_message","data":{"timestamp":%d.25,"peer":"192.0.2.1","peer_asn":"64500","host":"rrc00.ripe.net","type":"UPDATE",`+
		`"path":[%s],"origin":"igp","announcements":[{"next_hop":"192.0.2.1","prefixes":["203.0.113.0/24"]}]}}`, time.Now().Unix(), path)
	if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Error(err)
	}
}

// A hijack that comes over the stream fires, stays when the stream is lost, and ends when it says so.
func TestRISLiveFeed(t *testing.T) {
	url, conns := risServer(t)
	w := feedDaemon(t, config.Feed{Name: "ris", Kind: "ris-live", URL: url})
	c := <-conns
	risSays(t, c, "64500,15169")
	w.await("origin_change", `"firing"`, `"culprit_asn":15169`, "ris/rrc00/192.0.2.1/64500")
	w.feed("ris", func(f api.Feed) bool { return f.State == "up" && f.VantagesUp == 1 && f.Routes == 1 })
	if got := fmt.Sprint(w.scraped()); got != "[records_total{ris} 1 up{ris} 1 vantages{ris} 1]" {
		t.Errorf("scraped %s", got)
	}
	c.CloseNow()
	w.await("origin_change", `"updated"`, "vantage_lost")
	c = <-conns
	risSays(t, c, "64500,64496")
	w.await("origin_change", `"resolved"`)
	risSays(t, c, "64500,15169")
	w.await("origin_change", `"firing"`)
	w.reload(func(c *config.Config) { c.Feeds = nil })
	w.await("origin_change", `"resolved"`)
}

// bmpSays is a message of BMP about the collected peer.
func bmpSays(typ uint8, peer uint32, parts ...[]byte) []byte {
	body := append(make([]byte, 22), collected.AsSlice()...)
	body = append(binary.BigEndian.AppendUint32(body, peer), make([]byte, 12)...)
	if typ == 4 {
		body = nil
	}
	for _, p := range parts {
		body = append(body, p...)
	}
	return append(append(binary.BigEndian.AppendUint32([]byte{3}, uint32(6+len(body))), typ), body...)
}

// A hijack that a router shows of a neighbour fires, stays when the neighbour and the router are lost, and ends when they show better.
func TestBMPFeed(t *testing.T) {
	at := freeSocket(t)
	w := feedDaemon(t, config.Feed{Name: "edge", Kind: "bmp", Listen: at})
	w.feed("edge", func(f api.Feed) bool { return f.State == "waiting" })
	connect := func(path ...uint32) net.Conn {
		conn, err := net.Dial("tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		says := append(bmpSays(4, 0, []byte{0, 2, 0, 2, 'r', '1'}), bmpSays(3, 64500, make([]byte, 20), bmpOpen(64499), bmpOpen(64500))...)
		says = append(says, bmpSays(0, 64500, updateOf("203.0.113.0/24", "", path...))...)
		if _, err := conn.Write(says); err != nil {
			t.Error(err)
		}
		return conn
	}
	conn := connect(64500, 15169)
	w.await("origin_change", `"firing"`, `"culprit_asn":15169`, "edge/127.0.0.1/192.0.2.1/64500")
	if _, err := conn.Write(bmpSays(2, 64500, []byte{4})); err != nil {
		t.Error(err)
	}
	w.await("origin_change", `"updated"`, "vantage_lost")
	conn.Close()
	w.feed("edge", func(f api.Feed) bool { return f.State == "down" && f.VantagesUp == 0 })
	conn = connect(64500, 64496)
	w.await("origin_change", `"resolved"`)
	conn.Close()
	w.feed("edge", func(f api.Feed) bool { return f.State == "down" })
	connect(64500, 15169)
	w.await("origin_change", `"firing"`)
	w.reload(func(c *config.Config) {
		c.Feeds = []config.Feed{{Name: "edge", Kind: "bmp", Listen: at, Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}}
	})
	w.await("origin_change", `"resolved"`)
	w.feed("edge", func(f api.Feed) bool { return f.State == "waiting" && f.Vantages == 0 })
}

// What a router shows of a neighbour of its own AS that has not left the AS is no hijack, and what came in through it is judged.
func TestBMPFeedInternal(t *testing.T) {
	at := freeSocket(t)
	cfg := quiet(t)
	cfg.Daemon.ASN = 64500
	cfg.Prefixes = []config.Registration{registered("203.0.113.0/24", 64496)}
	cfg.Feeds = []config.Feed{{Name: "edge", Kind: "bmp", Listen: at}}
	w := feedDaemonOf(t, cfg)
	w.feed("edge", func(f api.Feed) bool { return f.State == "waiting" })
	conn, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	says := append(bmpSays(4, 0, []byte{0, 2, 0, 2, 'r', '1'}), bmpSays(3, 64500, make([]byte, 20), bmpOpen(64500), bmpOpen(64500))...)
	for _, path := range [][]uint32{{}, {64512}} {
		says = append(says, bmpSays(0, 64500, updateOf("203.0.113.7/32", "", path...))...)
		says = append(says, bmpSays(0, 64500, updateOf("203.0.113.0/24", "", path...))...)
	}
	says = append(says, bmpSays(0, 64500, updateOf("203.0.113.128/25", "", 64497, 15169))...)
	if _, err := conn.Write(says); err != nil {
		t.Error(err)
	}
	w.await("subprefix", `"firing"`, `"culprit_asn":15169`, "203.0.113.128/25", "edge/127.0.0.1/192.0.2.1/64500")
	w.awaitRoutes("203.0.113.7/32", "")
	w.awaitRoutes("203.0.113.0/24", "")
	w.feed("edge", func(f api.Feed) bool { return f.Routes == 1 })
	w.awaitOpen(1)
}

func freeSocket(t *testing.T) netip.AddrPort {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	return netip.MustParseAddrPort(free.Addr().String())
}

func bmpOpen(asn uint32) []byte {
	open := wire.Open{Version: wire.Version, ASN: asn, HoldTime: 90, RouterID: [4]byte{192, 0, 2, 9}}
	open.Caps = wire.Capabilities{AS4: true, HasMP: true, Families: [bgp.NumFamilies]bool{true, true}}
	return open.Append(nil)
}
