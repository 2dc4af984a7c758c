package notify

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/notice"
	"peervane/daemon/store"
)

// slowWays are how the channels beside the one that is measured fail: they hang, drip, answer late, answer 500, and refuse.
var slowWays = map[string]http.HandlerFunc{
	"hangs":   func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	"is late": func(w http.ResponseWriter, r *http.Request) { lateBy(r.Context(), 3*time.Second) },
	"drips": func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			io.WriteString(w, ".")
			w.(http.Flusher).Flush()
			lateBy(r.Context(), 100*time.Millisecond)
		}
	},
	"fails": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) },
}

func lateBy(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// BenchmarkSlowChannels measures how long a notice takes from the engine's hand to the receiver of a channel that is well,
// disk included: alone, and beside ten channels that hang, drip, are late, fail or refuse, each of which has all the same
// notices to tell.
//
//	go test ./daemon/notify -run '^$' -bench SlowChannels -benchtime 1000x
func BenchmarkSlowChannels(b *testing.B) {
	b.Run("alone", func(b *testing.B) { benchBeside(b, 0) })
	b.Run("beside-10-slow", func(b *testing.B) { benchBeside(b, 10) })
}

func benchBeside(b *testing.B, slow int) {
	taken := make(chan struct{})
	channels := []config.Channel{webhookTo(b, "well", func(http.ResponseWriter, *http.Request) { taken <- struct{}{} })}
	ways := append(slices.Sorted(maps.Keys(slowWays)), "refuses")
	for i := range slow {
		channels = append(channels, webhookTo(b, fmt.Sprint("slow", i), slowWays[ways[i%len(ways)]]))
	}
	s, err := store.Open(store.Options{Path: filepath.Join(b.TempDir(), "peervane.db"), Log: zap.NewNop()})
	if err != nil {
		b.Fatal(err)
	}
	d := New(Options{Journal: s, Log: zap.NewNop(), Version: "bench"})
	d.SetChannels(channels)
	ctx, cancel := context.WithCancel(b.Context())
	var parts sync.WaitGroup
	parts.Go(func() { d.Run(ctx) })
	parts.Go(func() { s.Run(ctx) })
	defer parts.Wait()
	defer cancel()
	var names []string
	for _, c := range channels {
		names = append(names, c.Name)
	}
	times := make([]time.Duration, 0, b.N)
	for i := 0; b.Loop(); i++ {
		n := notice.Notice{Delivery: fmt.Sprint("d", i), Incident: fmt.Sprint("i", i), Fingerprint: fmt.Sprint("f", i), Status: notice.Firing}
		body, err := n.Body()
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		rows := Deliveries(&n, body, names, began)
		s.Submit(store.Batch{Outbox: rows}, func(error) { d.Hand(rows) })
		<-taken
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
}

func webhookTo(b *testing.B, name string, h http.HandlerFunc) config.Channel {
	url := ""
	if h == nil {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		l.Close()
		url = "http://" + l.Addr().String()
	} else {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // only then it hears that the sender has gone
			h(w, r)
		}))
		b.Cleanup(func() { server.CloseClientConnections(); server.Close() })
		url = server.URL
	}
	return config.Channel{Name: name, Kind: "webhook", URL: config.NewURL(url, false), AllowPrivate: true}
}
