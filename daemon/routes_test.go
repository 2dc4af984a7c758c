package daemon

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/source"
	"peervane/bgp/wire"
	"peervane/daemon/api"
)

// Routes answers from a full table, whatever is registered, while more comes in; a question of too many routes is refused.
func TestRoutesFromAFullTable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := benchConfig(t.TempDir(), netip.MustParseAddrPort(l.Addr().String()))
	cfg.Peers[0].Table = "full"
	d := New(cfg, Options{Log: zap.NewNop()})
	stop := launch(t, d)
	defer stop()
	router := acceptSession(t, l)
	defer router.Close()
	var updates []byte
	say := func(prefixes ...string) {
		for _, p := range prefixes {
			a := &bgp.Attrs{Path: bgp.Sequence(64500, 64496), NextHop: speaker}
			updates = wire.AppendUpdate(updates, speaks, a, []wire.NLRI{{Prefix: netip.MustParsePrefix(p)}}, nil)
		}
	}
	say("198.51.0.0/16", "198.51.100.0/24", "198.51.100.128/25", "10.0.0.0/8", "2001:db8::/32")
	for i := range source.MaxQuery + 1 {
		say(fmt.Sprintf("11.%d.%d.0/24", i>>8, i&255))
	}
	say("203.0.113.0/24")
	if _, err := router.Write(updates); err != nil {
		t.Fatal(err)
	}
	ask := func(prefix string, match api.Match, vantage string) string {
		routes, err := d.Routes(t.Context(), api.Wanted{Prefix: netip.MustParsePrefix(prefix), Match: match, Vantage: vantage})
		if err != nil {
			return err.Error()
		}
		var words []string
		for _, r := range routes {
			words = append(words, r.Prefix.String())
		}
		return strings.Join(words, " ")
	}
	for late := time.Now().Add(20 * time.Second); ask("203.0.113.0/24", api.Exact, "") == ""; {
		if time.Now().After(late) {
			t.Fatal("the routes do not come")
		}
	}
	for _, c := range []struct {
		prefix  string
		match   api.Match
		vantage string
		want    string
	}{
		{"198.51.100.0/24", api.Related, "", "198.51.0.0/16 198.51.100.0/24 198.51.100.128/25"},
		{"198.51.100.0/24", api.Exact, "", "198.51.100.0/24"},
		{"198.51.100.200/32", api.Longest, "", "198.51.100.128/25"},
		{"198.51.100.1/32", api.Longest, "edge", "198.51.100.0/24"},
		{"198.51.0.0/16", api.Longer, "", "198.51.0.0/16 198.51.100.0/24 198.51.100.128/25"},
		{"198.51.100.0/24", api.Related, "nobody", `no vantage is called "nobody"; known: edge`},
		{"198.51.100.0/24", api.Watched, "", ""},
		{"10.0.0.0/8", api.Watched, "", "10.0.0.0/8"},
		{"10.0.0.0/8", api.Exact, "", "10.0.0.0/8"},
		{"2001:db8::1/128", api.Longest, "", "2001:db8::/32"},
	} {
		if got := ask(c.prefix, c.match, c.vantage); got != c.want {
			t.Errorf("%s %s of %q: %q, want %q", c.prefix, c.match, c.vantage, got, c.want)
		}
	}
	var many api.TooMany
	if _, err := d.Routes(t.Context(), api.Wanted{Prefix: netip.MustParsePrefix("11.0.0.0/8"), Match: api.Longer}); !errors.As(err, &many) {
		t.Errorf("too many routes: %v", err)
	}
}
