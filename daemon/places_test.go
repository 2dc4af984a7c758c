package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"peervane/config"
	"peervane/daemon/join"
	"peervane/probe"
	"peervane/probe/stats"
)

func located(name string, latitude, longitude float64) config.POP {
	return config.POP{Name: name, Service: "edge", Latitude: latitude, Longitude: longitude, Located: true}
}

var (
	inParis   = located("par1", 48.86, 2.35)
	inLondon  = located("lon1", 51.51, -0.13)
	inNewYork = located("nyc1", 40.71, -74.01)
)

func measuredAs(pop string, low float64, nearest bool) join.Report {
	r := join.Report{Flow: join.Flow{POP: pop, Service: "edge", Addr: netip.MustParseAddr("198.51.100.1"), Method: "icmp"}, Nearest: nearest}
	r.RTTs, r.Min = 1, time.Duration(low*float64(time.Millisecond))
	r.Median = r.Min
	return r
}

// TestHintsOfPlaces stands in Paris, and measures New York, London and Paris.
func TestHintsOfPlaces(t *testing.T) {
	p := placesOf(&config.Config{
		Probe: config.Probe{Latitude: 48.86, Longitude: 2.35, Located: true},
		POPs:  []config.POP{inParis, inLondon, inNewYork, {Name: "nowhere", Service: "edge"}},
	})
	silent := measuredAs("lon1", 3, false) // it answered until lately
	silent.Median = 0
	v6 := measuredAs("lon1", 9, false)
	v6.Addr = netip.MustParseAddr("2001:db8::1")
	for name, c := range map[string]struct {
		reports []join.Report
		pop     string
		want    string // how the hint begins, "" = none
	}{
		"as it should be":           {[]join.Report{measuredAs("par1", 1, true), measuredAs("nyc1", 75, false)}, "par1", ""},
		"as fast as light":          {[]join.Report{measuredAs("nyc1", 58, true)}, "nyc1", ""},
		"faster than light":         {[]join.Report{measuredAs("nyc1", 20, false), measuredAs("par1", 1, true)}, "nyc1", "198.51.100.1 icmp answers within 20.0 ms, and light in fibre takes 57.2 ms for the 5837 km"},
		"as near as it gets":        {[]join.Report{measuredAs("lon1", 3, true)}, "lon1", ""},
		"the far one is nearest":    {[]join.Report{measuredAs("nyc1", 75, true), measuredAs("lon1", 90, false)}, "nyc1", "nyc1, 5837 km away, is the nearest by latency (75.0 ms); lon1, 343 km away, takes 90.0 ms: the way there is a detour"},
		"the near one is silent":    {[]join.Report{measuredAs("nyc1", 75, true), silent}, "nyc1", ""},
		"another family is no peer": {[]join.Report{measuredAs("nyc1", 75, true), v6}, "nyc1", ""},
		"a little farther":          {[]join.Report{measuredAs("lon1", 3.5, true), measuredAs("par1", 5, false)}, "lon1", ""},
		"no place":                  {[]join.Report{measuredAs("nowhere", 0.1, true), measuredAs("par1", 5, false)}, "nowhere", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(p.hints(c.reports)[c.pop], "; ")
			if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
				t.Errorf("hint %q, want %q", got, c.want)
			}
		})
	}
}

func TestPlaceOfThisHost(t *testing.T) {
	paris, london := config.Connection{Latitude: 48.86, Longitude: 2.35, Located: true}, config.Connection{Latitude: 51.51, Longitude: -0.13, Located: true}
	for name, c := range map[string]struct {
		connections []config.Connection
		probe       config.Probe
		km          float64 // to London; -1 = not known
	}{
		"nothing is known":        {nil, config.Probe{}, -1},
		"the connections say so":  {[]config.Connection{paris, {}, paris}, config.Probe{}, 344},
		"they differ":             {[]config.Connection{paris, london}, config.Probe{}, -1},
		"the probes say it first": {[]config.Connection{paris, london}, config.Probe{Latitude: 51.51, Longitude: -0.13, Located: true}, 0},
	} {
		p := placesOf(&config.Config{POPs: []config.POP{inLondon}, Connections: c.connections, Probe: c.probe})
		km, known := p.distance("lon1")
		if known != (c.km >= 0) || known && (km < c.km-1 || km > c.km+1) {
			t.Errorf("%s: %v km, known %v", name, km, known)
		}
	}
}

// TestPOPChangeHints fails over from Paris to New York while London, which is slower, stands by.
func TestPOPChangeHints(t *testing.T) {
	cfg := twoPeers()
	cfg.Probe = config.Probe{Latitude: 48.86, Longitude: 2.35, Located: true}
	for i, pop := range []config.POP{inParis, inLondon, inNewYork} {
		pop.Address = netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)})
		cfg.POPs = append(cfg.POPs, pop)
	}
	w := newWorld(t, cfg)
	measure := func(rtts ...float64) {
		for i, low := range rtts {
			s := stats.Sample{Started: w.now, Ended: w.now.Add(time.Second), Sent: 1, Lost: 1}
			if low > 0 {
				s.Lost, s.Received, s.RTTs = 0, 1, []time.Duration{time.Duration(low * float64(time.Millisecond))}
			}
			w.engine.batch(probe.Batch{Target: probe.Target{POP: cfg.POPs[i].Name, Service: "edge", Addr: cfg.POPs[i].Address, Method: "icmp"}, Sample: s})
		}
		w.pass(10 * time.Second)
	}
	for range 3 {
		measure(1, 90, 75)
	}
	for range 3 {
		measure(0, 90, 75)
	}
	for _, r := range w.engine.book.Records() {
		if r.Notice.Type == "pop_change" {
			if hints := strings.Join(r.Notice.Evidence.Hints, "; "); !strings.Contains(hints, "lon1, 343 km away, takes 90.0 ms") {
				t.Errorf("hints %q", hints)
			}
			return
		}
	}
	t.Error("no pop_change")
}
