package api

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"peervane/daemon/notice"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	epoch  = time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.UTC)
	prefix = netip.MustParsePrefix("203.0.113.0/24")
)

// fixed is a daemon that always shows the same, or always fails.
type fixed struct {
	snapshot Snapshot
	ended    []Incident
	told     chan Told
	err      error

	asked struct { // the latest question
		prefix netip.Prefix
		pop    string
		since  time.Time
		window time.Duration
	}
}

func (f *fixed) Snapshot() *Snapshot { return &f.snapshot }

func (f *fixed) Prefixes(_ context.Context, some func([]Prefix) error) error {
	if f.err != nil {
		return f.err
	}
	return some([]Prefix{{Prefix: prefix, Connection: "paris-1", Origins: []uint32{64496}, State: "verified", Reasons: []string{}, Vantages: 2, Incidents: []string{"i1"}}})
}

func (f *fixed) Routes(_ context.Context, q Wanted) ([]Route, error) {
	f.asked.prefix = q.Prefix
	med := uint32(10)
	return []Route{{
		Vantage: "edge1-v4", Prefix: prefix, PathID: 7, ASPath: "64500 64496", Origin: "IGP", NextHop: netip.MustParseAddr("192.0.2.1"),
		MED: &med, Communities: []string{"64500:100"}, Since: notice.At(epoch),
	}}, f.err
}

func (f *fixed) Ended(context.Context, int) ([]Incident, error) {
	return f.ended, f.err
}

func (f *fixed) Members(_ context.Context, group string) ([]Incident, error) {
	return []Incident{of("m1", notice.Firing, Life{Group: group, Told: []string{}})}, f.err
}

func (f *fixed) Incident(_ context.Context, id string) (Detail, error) {
	if id != "i2" {
		return Detail{}, ErrUnknown
	}
	return Detail{f.snapshot.Incidents[0], []Undelivered{{
		Channel: "noc", Delivery: "d1", Status: notice.Firing, CreatedAt: notice.At(epoch), Attempts: 2, NextAt: notice.At(epoch.Add(time.Minute)), Error: "answered 503",
	}}}, f.err
}

func (f *fixed) Follow(context.Context) (<-chan Told, error) {
	return f.told, f.err
}

func of(id string, status notice.Status, life Life) Incident {
	return Incident{notice.Notice{
		Incident: id, Status: status, Type: notice.SubPrefix, Severity: notice.Critical, Prefix: prefix, UpdatedAt: notice.At(epoch),
	}, life}
}

func (f *fixed) Events(_ context.Context, p netip.Prefix, since time.Time) ([]Event, error) {
	f.asked.prefix, f.asked.since = p, since
	return []Event{{
		At: notice.At(epoch), Type: "prefix_withdrawn", Severity: notice.Warning, Prefix: prefix, Peer: "edge1-v4", Detail: "64500 64496",
	}, {At: notice.At(epoch), Type: "config_reload", Severity: notice.Info}}, f.err
}

func (f *fixed) Transits(context.Context) ([]Transit, error) {
	return []Transit{{ASN: 64502, CostMS: 30.1, POPs: []string{"par1", "fra1"}, With: 60, Without: 300}}, f.err
}

func (f *fixed) Latency(_ context.Context, pop string, window time.Duration) ([]Latency, error) {
	f.asked.pop, f.asked.window = pop, window
	return []Latency{{POP: "par1", Probe: probe(), Points: []Point{{
		At: notice.At(epoch), Until: notice.At(epoch.Add(time.Second)), Figures: probe().Figures,
	}}}}, f.err
}

func probe() Probe {
	ms := func(f float64) *float64 { return &f }
	return Probe{
		Address: netip.MustParseAddr("198.51.100.1"), Method: "icmp", Nearest: true, LastAt: notice.At(epoch), LastMS: ms(12.1),
		Figures: Figures{
			Sent: 10, Received: 9, Loss: 0.1, MinMS: ms(11.9), P50MS: ms(12.1), P95MS: ms(13), P99MS: ms(14), MaxMS: ms(14), JitterMS: ms(0.9),
			Lost: 1, TSSource: "kernel",
		},
	}
}

func newFixed() *fixed {
	acked := Life{Acknowledged: &Ack{"anna", notice.At(epoch), "looking"}, HeldBack: "silence s1", Flapping: true, Told: []string{"noc"}}
	return &fixed{ended: []Incident{of("i0", notice.Resolved, Life{Told: []string{}})}, snapshot: Snapshot{
		Status: Status{
			Version: "v1", Source: "host7", StartedAt: notice.At(epoch), At: notice.At(epoch.Add(time.Minute)),
			PeersUp: 1, Peers: 1, Prefixes: 1, OpenIncidents: 2, Store: "ok", Silences: 1, HeldBack: 2, Acknowledged: 1,
			Feeds: []Feed{
				{Name: "archive", Kind: "mrt-dir", State: "up", Since: notice.At(epoch), LastRead: notice.At(epoch.Add(time.Minute)), Vantages: 31, VantagesUp: 30, Routes: 300, Records: 5000, Bad: 1},
				{
					Name: "ris", Kind: "ris-live", State: "down", Since: notice.At(epoch.Add(time.Minute)), LastError: "connect: connection refused",
					LastErrorAt: notice.At(epoch.Add(time.Minute)),
				},
			},
			Channels: []Channel{
				{Name: "noc", State: "ok"},
				{Name: "chat", State: "failing", Since: notice.At(epoch), LastError: "answered 503 Service Unavailable", LastErrorAt: notice.At(epoch.Add(time.Minute)), DeadLetters: 1, Waiting: 3},
			},
			RPKI: &RPKI{
				VRPs:   RPKIData{Records: 3, Source: "tcp://rtr.example.net:3323", At: notice.At(epoch)},
				Errors: []string{"tcp://rtr2.example.net:3323: connect: connection refused"},
			},
			Relationships: &Relationships{Links: 500_000, Pairs: 40, Known: 31},
		},
		Peers: []Peer{{
			Name: "edge1-v4", Address: netip.MustParseAddr("192.0.2.1"), ASN: 64500, Relationship: "provider", State: "Established",
			Since: notice.At(epoch), Spoken: map[string]bool{"ipv4": true, "ipv6": true}, InSync: map[string]bool{"ipv4": true, "ipv6": false}, Routes: map[string]int{"ipv4": 3, "ipv6": 0},
			Updates: 5, Labels: map[string]string{"site": "par"}, LastError: "hold timer expired", LastErrorAt: notice.At(epoch),
		}},
		Incidents: []Incident{of("i2", notice.Updated, acked), of("i1", notice.Firing, Life{Told: []string{}})},
		POPs:      []POP{{Name: "par1", Service: "edge", City: "Paris", Nearest: true, Probes: []Probe{probe()}}},
	}}
}

var errTrouble = errors.New("the disk is on fire")

func newServer(source Source) *Server {
	return New(source, prometheus.NewRegistry(), zap.NewNop())
}
