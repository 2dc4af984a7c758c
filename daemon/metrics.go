package daemon

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"peervane/daemon/api"
)

// latencyBuckets span what detection takes: from tens of microseconds to a stalled disk.
var latencyBuckets = prometheus.ExponentialBuckets(25e-6, 2, 18)

// metrics is what Prometheus may scrape. Figures of state are read from the latest snapshot when they are asked for;
// only what happens between snapshots is counted as it happens.
type metrics struct {
	registry *prometheus.Registry
	snapshot *atomic.Pointer[api.Snapshot]

	detectSeconds, durableSeconds prometheus.Histogram
	notices                       *prometheus.CounterVec
	outbox                        *prometheus.GaugeVec
}

func newMetrics(snapshot *atomic.Pointer[api.Snapshot]) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		snapshot: snapshot,
		detectSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "peervane_detect_seconds", Buckets: latencyBuckets,
			Help: "From the read of an UPDATE off its socket to the notice queued.",
		}),
		durableSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "peervane_durable_seconds", Buckets: latencyBuckets,
			Help: "From the read of an UPDATE off its socket to the notice on disk.",
		}),
		notices: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "peervane_notices_total", Help: "Attempts to deliver a notice, by outcome: delivered, retried, superseded, dead, disabled.",
		}, []string{"channel", "outcome"}),
		outbox: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "peervane_outbox_depth", Help: "Deliveries that are not finished.",
		}, []string{"channel"}),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.detectSeconds, m.durableSeconds, m.notices, m.outbox, stateCollector{snapshot})
	return m
}

// Notice and OutboxDepth are what the channels count.
func (m *metrics) Notice(channel, outcome string) { m.notices.WithLabelValues(channel, outcome).Inc() }

func (m *metrics) OutboxDepth(channel string, n int) {
	m.outbox.WithLabelValues(channel).Set(float64(n))
}

func (m *metrics) detected(heard time.Time) { m.detectSeconds.Observe(time.Since(heard).Seconds()) }
func (m *metrics) durable(heard time.Time)  { m.durableSeconds.Observe(time.Since(heard).Seconds()) }

// stateCollector gives the figures of the latest snapshot.
type stateCollector struct{ snapshot *atomic.Pointer[api.Snapshot] }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	descSessionUp = describe("peervane_bgp_session_up", "1 while the session is Established.", "peer")
	descUpdates   = describe("peervane_bgp_updates_total", "UPDATE messages received.", "peer")
	descRoutes    = describe("peervane_bgp_routes", "Routes held.", "peer", "family")
	descLeaked    = describe("peervane_bgp_leaked_routes", "Routes held outside what is registered that were leaked (table = \"full\").", "peer")
	descFeedUp    = describe("peervane_feed_up", "1 while the feed is up.", "feed")
	descVantages  = describe("peervane_feed_vantages", "Vantages of the feed that are up.", "feed")
	descRecords   = describe("peervane_feed_records_total", "Records of the feed that were read.", "feed")
	descIncidents = describe("peervane_incidents", "Open incidents, those that a group tells of among them.", "type", "severity")
	descRTT       = describe("peervane_probe_rtt_seconds", "Median round-trip time of the last ten minutes.", "pop", "method")
	descLoss      = describe("peervane_probe_loss_ratio", "Share of probes of the last ten minutes that nothing answered.", "pop", "method")
	descNearest   = describe("peervane_nearest_pop", "1 for the nearest POP of its service.", "service", "pop")
	descDrops     = describe("peervane_probe_local_drops_total", "Probes that this host dropped itself.")
)

// Describe gives no names: an unchecked collector, since what it gives depends on the configuration.
func (stateCollector) Describe(chan<- *prometheus.Desc) {}

// Collect reads the snapshot.
func (c stateCollector) Collect(out chan<- prometheus.Metric) {
	s := c.snapshot.Load()
	for _, p := range s.Peers {
		out <- prometheus.MustNewConstMetric(descSessionUp, prometheus.GaugeValue, flag(p.State == "Established"), p.Name)
		out <- prometheus.MustNewConstMetric(descUpdates, prometheus.CounterValue, float64(p.Updates), p.Name)
		out <- prometheus.MustNewConstMetric(descLeaked, prometheus.GaugeValue, float64(p.Leaked), p.Name)
		for family, n := range p.Routes {
			out <- prometheus.MustNewConstMetric(descRoutes, prometheus.GaugeValue, float64(n), p.Name, family)
		}
	}
	for _, f := range s.Status.Feeds {
		out <- prometheus.MustNewConstMetric(descFeedUp, prometheus.GaugeValue, flag(f.State == "up"), f.Name)
		out <- prometheus.MustNewConstMetric(descVantages, prometheus.GaugeValue, float64(f.VantagesUp), f.Name)
		out <- prometheus.MustNewConstMetric(descRecords, prometheus.CounterValue, float64(f.Records), f.Name)
	}
	for _, c := range s.Counts {
		out <- prometheus.MustNewConstMetric(descIncidents, prometheus.GaugeValue, float64(c.Open), c.Type, c.Severity.String())
	}
	for _, p := range s.POPs {
		out <- prometheus.MustNewConstMetric(descNearest, prometheus.GaugeValue, flag(p.Nearest), p.Service, p.Name)
	}
	collectProbes(s.POPs, out)
	out <- prometheus.MustNewConstMetric(descDrops, prometheus.CounterValue, float64(s.LocalDrops))
}

// collectProbes gives one figure for each POP and method: the first address and source stand for it, since a metric has
// no label for those.
func collectProbes(pops []api.POP, out chan<- prometheus.Metric) {
	type key struct{ pop, method string }
	seen := map[key]bool{}
	for _, p := range pops {
		for _, probe := range p.Probes {
			k := key{p.Name, probe.Method}
			if seen[k] || probe.Sent == 0 {
				continue
			}
			seen[k] = true
			out <- prometheus.MustNewConstMetric(descLoss, prometheus.GaugeValue, probe.Loss, k.pop, k.method)
			if probe.P50MS != nil {
				out <- prometheus.MustNewConstMetric(descRTT, prometheus.GaugeValue, *probe.P50MS/1000, k.pop, k.method)
			}
		}
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
