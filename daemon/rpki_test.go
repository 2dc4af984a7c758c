package daemon

import (
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"peervane/bgp/rpki"
	"peervane/config"
)

func vrps(asn uint32, at time.Time, prefixes ...string) *rpki.Set {
	var list []rpki.VRP
	for _, text := range prefixes {
		p := netip.MustParsePrefix(text)
		list = append(list, rpki.VRP{Prefix: p, MaxLength: uint8(p.Bits()), ASN: asn})
	}
	set := rpki.NewSet(list, nil)
	set.VRPs = rpki.Provenance{Source: "tcp://rtr.example.net:3323", Fetched: at, Offered: true}
	return set
}

func TestRPKIDeltaRejudgesWhatItTouches(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496), registered("198.51.100.0/24", 64496)))
	for _, p := range []string{"203.0.113.0/24", "198.51.100.0/24"} {
		w.announce("edge1", p, 64500, 64496)
		w.announce("edge2", p, 64501, 64496)
	}
	w.engine.validated(vrps(64496, start, "203.0.113.0/24", "198.51.100.0/24"))
	w.want(w.tell(), "")
	w.engine.validated(vrps(64505, start, "203.0.113.0/24"))
	if n := len(w.engine.agenda.later.list); n != 2 {
		t.Errorf("%d scopes are to be judged", n)
	}
	w.want(w.tell(), "firing:roa_lost:198.51.100.0/24:0 firing:rpki_invalid:203.0.113.0/24:64496")
	w.engine.validated(vrps(64496, start, "203.0.113.0/24"))
	w.want(w.tell(), "resolved:rpki_invalid:203.0.113.0/24:64496")
	w.engine.validated(vrps(64496, start, "203.0.113.0/24", "198.51.100.0/24"))
	w.want(w.tell(), "resolved:roa_lost:198.51.100.0/24:0")
	w.engine.validated(vrps(64496, start, "203.0.113.0/24", "198.51.100.0/24"))
	if n := len(w.engine.agenda.later.list); n != 0 {
		t.Errorf("nothing changed, and %d scopes are to be judged", n)
	}
}

// A delta has exactly those routes judged again that a VRP covers, or whose path holds an AS, which came, went or changed.
func TestRPKIDeltaTouchesExactly(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.112.0/22", 64496), registered("198.51.100.0/24", 64496), registered("2001:db8::/32", 64496)))
	for _, p := range []string{"203.0.112.0/22", "203.0.113.0/24", "203.0.113.128/25", "198.51.100.0/24", "2001:db8::/32"} {
		w.announce("edge1", p, 64500, 64496)
	}
	w.announce("edge2", "198.51.100.0/24", 64501, 64505, 64496)
	set := func(aspas []rpki.ASPA, vrps ...string) *rpki.Set {
		list := []rpki.VRP{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), MaxLength: 24, ASN: 64511}}
		for _, text := range vrps {
			list = append(list, rpki.VRP{Prefix: netip.MustParsePrefix(text), MaxLength: 32, ASN: 64496})
		}
		return rpki.NewSet(list, aspas)
	}
	attest := func(customer uint32, providers ...uint32) []rpki.ASPA {
		return []rpki.ASPA{{Customer: customer, Providers: providers}}
	}
	all := "203.0.112.0/22 203.0.113.0/24 203.0.113.128/25 198.51.100.0/24 2001:db8::/32"
	for _, c := range []struct {
		what string
		set  *rpki.Set
		want string
	}{
		{"the first data", set(nil), all},
		{"a VRP comes", set(nil, "203.0.113.0/24"), "203.0.113.0/24 203.0.113.128/25"},
		{"one of more goes, another comes; none of a part covers the whole", set(nil, "203.0.112.0/23"), "203.0.113.0/24 203.0.113.128/25"},
		{"of others", set(nil, "203.0.112.0/23", "198.51.101.0/24"), ""},
		{"the same again", set(nil, "203.0.112.0/23", "198.51.101.0/24"), ""},
		{"an ASPA comes", set(attest(64505, 64501), "203.0.112.0/23", "198.51.101.0/24"), "198.51.100.0/24"},
		{"it changes", set(attest(64505, 64501, 64502), "203.0.112.0/23", "198.51.101.0/24"), "198.51.100.0/24"},
		{"it goes, and one of the origin comes", set(attest(64496, 64500), "203.0.112.0/23", "198.51.101.0/24"), all},
		{"all expires", &rpki.Set{}, all},
	} {
		w.engine.validated(c.set)
		got := map[netip.Prefix]bool{}
		for _, s := range w.engine.agenda.later.list {
			got[s.prefix] = true
		}
		want := map[netip.Prefix]bool{}
		for text := range strings.FieldsSeq(c.want) {
			want[netip.MustParsePrefix(text)] = true
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: %v are judged again, want %v", c.what, got, want)
		}
		w.tell()
	}
}

func TestRPKIStale(t *testing.T) {
	cfg := twoPeers(registered("203.0.113.0/24", 64496))
	cfg.RPKI = config.RPKI{RTR: []string{"tcp://rtr.example.net:3323"}, StaleAfter: 2 * time.Hour}
	w := newWorld(t, cfg)
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	w.engine.validated(vrps(64496, start, "203.0.113.0/24"))
	w.want(w.tell(), "")
	w.want(w.pass(119*time.Minute), "")
	w.want(w.pass(time.Minute), "firing:rpki_stale::0")
	n := w.engine.book.Records()[0].Notice
	if !strings.Contains(n.Summary, "tcp://rtr.example.net:3323") || !n.StartedAt.Equal(start.Add(2*time.Hour)) {
		t.Errorf("%s, since %s", n.Summary, n.StartedAt)
	}
	w.engine.validated(vrps(64496, w.now, "203.0.113.0/24"))
	w.want(w.tell(), "resolved:rpki_stale::0")
}

// After a restart the routes may be there before the RPKI data. What was invalid is not valid for that, and is not told again under
// another id; what the data no longer makes invalid ends once it has come.
func TestWithoutRPKIDataNothingIsOver(t *testing.T) {
	const p = "203.0.113.0/24"
	none := func(w *world) *rpki.Set { return rpki.NewSet(nil, nil) }
	for _, c := range []struct {
		what  string
		later func(*world) *rpki.Set
		goes  bool
		want  string
	}{
		{"still invalid", func(w *world) *rpki.Set { return vrps(64511, w.now, p) }, false, ""},
		{"valid", func(w *world) *rpki.Set { return vrps(64496, w.now, p) }, false, "resolved:rpki_invalid:203.0.113.0/24:64496"},
		{"no longer covered", func(w *world) *rpki.Set { return vrps(64511, w.now, "198.51.100.0/24") }, false, "resolved:rpki_invalid:203.0.113.0/24:64496"},
		{"the route goes meanwhile", nil, true, "resolved:rpki_invalid:203.0.113.0/24:64496"},
	} {
		for _, again := range []func(*world) *world{
			func(w *world) *world { // a restart
				w = w.restart()
				w.up("edge1")
				w.up("edge2")
				w.announce("edge1", p, 64500, 64496)
				w.announce("edge2", p, 64501, 64496)
				w.endOfRIB("edge1")
				w.endOfRIB("edge2")
				return w
			},
			func(w *world) *world { // the data has expired
				w.engine.validated(none(w))
				return w
			},
		} {
			cfg := twoPeers(registered(p, 64496))
			cfg.RPKI.RTR = []string{"tcp://rtr.example.net:3323"}
			w := newWorld(t, cfg)
			w.engine.validated(vrps(64511, w.now, p))
			w.announce("edge2", p, 64501, 64496)
			w.want(w.announce("edge1", p, 64500, 64496), "")
			w.pass(2 * time.Minute) // that another vantage shows it is told
			id := w.ids()
			w = again(w)
			w.want(w.pass(time.Minute), "")
			if w.ids() != id {
				t.Errorf("%s: open are %s, before %s", c.what, w.ids(), id)
			}
			if c.goes {
				w.withdraw("edge1", p)
				w.want(w.withdraw("edge2", p), c.want)
				continue
			}
			w.engine.validated(c.later(w))
			w.want(w.tell(), c.want)
		}
	}
}

// Meanwhile a vantage that shows another route, or none, shows it no more, and once no data is to be expected it is over.
func TestWithoutRPKIDataRoutesAreFollowed(t *testing.T) {
	const p = "203.0.113.0/24"
	cfg := func(rtr ...string) *config.Config {
		c := twoPeers(registered(p, 64496, 64497))
		c.RPKI.RTR = rtr
		return c
	}
	for _, c := range []struct {
		what string
		do   func(*world) string
		want string
	}{
		{"one vantage has another route", func(w *world) string { return w.announce("edge1", p, 64500, 64497) }, ""},
		{"both have", func(w *world) string {
			return w.announce("edge1", p, 64500, 64497) + w.announce("edge2", p, 64501, 64497)
		}, "resolved:rpki_invalid:203.0.113.0/24:64496"},
		{"one has, the other none", func(w *world) string {
			return w.announce("edge1", p, 64500, 64497) + w.withdraw("edge2", p)
		}, "resolved:rpki_invalid:203.0.113.0/24:64496"},
		{"no data is to be expected", func(w *world) string {
			w.engine.reload(cfg())
			w.engine.validated(&rpki.Set{})
			return w.tell()
		}, "resolved:rpki_invalid:203.0.113.0/24:64496"},
	} {
		w := newWorld(t, cfg("tcp://rtr.example.net:3323"))
		set := rpki.NewSet([]rpki.VRP{{Prefix: netip.MustParsePrefix(p), MaxLength: 24, ASN: 64497}}, nil)
		set.VRPs = rpki.Provenance{Source: "tcp://rtr.example.net:3323", Fetched: w.now, Offered: true}
		w.engine.validated(set)
		w.announce("edge1", p, 64500, 64496)
		w.announce("edge2", p, 64501, 64496)
		w.pass(2 * time.Minute)
		w.engine.validated(rpki.NewSet(nil, nil))
		w.want(w.pass(time.Minute), "")
		if got := strings.TrimPrefix(c.do(w), "resolved:rpki_stale::0 "); got != c.want {
			t.Errorf("%s: told %q, want %q", c.what, got, c.want)
		}
	}
}

// So with a leak of which ASPAs alone tell.
func TestWithoutASPAsNoLeakIsOver(t *testing.T) {
	const p = "203.0.113.0/24"
	aspas := func(w *world, list ...rpki.ASPA) *rpki.Set {
		set := rpki.NewSet([]rpki.VRP{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), MaxLength: 24, ASN: 64999}}, list)
		set.VRPs = rpki.Provenance{Source: "rpki.json", Fetched: w.now, Offered: true}
		set.ASPAs = set.VRPs
		return set
	}
	cfg := twoPeers(registered(p, 64496))
	cfg.RPKI.File = "rpki.json"
	w := newWorld(t, cfg)
	leak := []rpki.ASPA{{Customer: 64496, Providers: []uint32{64999}}, {Customer: 64500, Providers: []uint32{64999}}}
	w.engine.validated(aspas(w, leak...))
	if told := w.announce("edge1", p, 64500, 64502, 64505, 64496); !strings.Contains(told, "firing:route_leak:") {
		t.Fatalf("told %q", told)
	}
	w.announce("edge2", p, 64501, 64496)
	w.pass(2 * time.Minute)
	id := w.ids()
	w = w.restart()
	w.up("edge1")
	w.up("edge2")
	w.announce("edge1", p, 64500, 64502, 64505, 64496)
	w.announce("edge2", p, 64501, 64496)
	w.endOfRIB("edge1")
	w.endOfRIB("edge2")
	w.want(w.pass(time.Minute), "")
	w.engine.validated(aspas(w, leak...))
	w.want(w.tell(), "")
	if w.ids() != id {
		t.Errorf("open are %s, before %s", w.ids(), id)
	}
	w.engine.validated(aspas(w, rpki.ASPA{Customer: 64999, Providers: []uint32{1}}))
	if told := w.tell(); !strings.Contains(told, "resolved:route_leak:") {
		t.Errorf("told %q", told)
	}
}
