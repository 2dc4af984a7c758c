package daemon

import (
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
