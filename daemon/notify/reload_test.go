package notify

import (
	"context"
	"net/http"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"peervane/config"
)

func TestReloadLeavesUnchangedChannelsAlone(t *testing.T) {
	inBubble(t, func(b *bench) {
		keep, change, drop := to("https://a.example/"), to("https://b.example/"), to("https://c.example/")
		keep.Name, change.Name, drop.Name = "keep", "change", "drop"
		b.SetChannels([]config.Channel{keep, change, drop})
		running := map[string]runner{}
		b.apply(b.ctx, running)
		before := map[string]chan struct{}{}
		for name, r := range running {
			before[name] = r.ended
		}
		if len(before) != 3 {
			t.Fatalf("%d channels run", len(before))
		}

		change.Secrets = []config.Secret{config.NewSecret("new")}
		b.SetChannels([]config.Channel{change, keep})
		b.apply(b.ctx, running)
		if len(running) != 2 || running["keep"].ended != before["keep"] {
			t.Error("the channel that is the same was started again")
		}
		if running["change"].ended == before["change"] {
			t.Error("the channel that changed was not started again")
		}
		<-before["change"]
		<-before["drop"]
		b.put("drop", "i1", 1) // of those that are gone nobody hears
	})
}

func TestAChannelOfAnUnknownKindIsToldOf(t *testing.T) {
	core, logs := observer.New(zap.ErrorLevel)
	d := New(Options{Journal: newOutbox(), Log: zap.New(core)})
	d.SetChannels([]config.Channel{{Name: "noc", Kind: "carrier-pigeon"}})
	running := map[string]runner{}
	d.apply(t.Context(), running)
	if len(running) != 0 || logs.Len() != 1 {
		t.Errorf("%d run, %d lines", len(running), logs.Len())
	}
}

func TestRunDeliversAndEnds(t *testing.T) {
	got := make(chan string, 10)
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("webhook-id") })
	o := newOutbox()
	d := New(Options{Journal: o, Log: zap.NewNop()})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	o.put("noc", "i1", 2) // left over from the last run
	d.SetChannels([]config.Channel{to(url)})
	go func() { ended <- d.Run(ctx) }()
	for _, want := range []string{"d1", "d2"} {
		if id := <-got; id != want {
			t.Errorf("got %s, want %s", id, want)
		}
	}
	o.put("noc", "i2", 1)
	d.Reread()
	if id := <-got; id != "d3" {
		t.Errorf("got %s", id)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
