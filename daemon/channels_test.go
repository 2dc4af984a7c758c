package daemon

import (
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/api"
	"peervane/daemon/notify"
)

func (w *world) channel(h notify.Health, known bool, dead int) string {
	w.engine.channelsAre([]channelState{{"noc", h, known, dead}})
	return w.tell()
}

func TestChannelFailing(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)

	// A failure is told when it has lasted, and not when it has not.
	w.want(w.channel(notify.Health{Since: w.now, Error: "answered 500"}, true, 0), "")
	w.want(w.pass(4*time.Minute), "")
	w.want(w.channel(notify.Health{}, true, 0), "")
	w.want(w.pass(4*time.Minute), "")
	w.want(w.channel(notify.Health{Since: w.now, Error: "answered 500"}, true, 0), "")
	w.want(w.pass(4*time.Minute+59*time.Second), "")
	w.want(w.pass(time.Second), "firing:channel_failing::0")
	n := w.engine.book.Records()[0].Notice
	if n.Summary != "channel noc is failing: answered 500" || n.Labels["channel"] != "noc" {
		t.Errorf("got %+v", n)
	}

	// Dead letters keep it failing when it works, until they are gone.
	w.want(w.channel(notify.Health{}, true, 2), "")
	w.want(w.pass(time.Hour), "")
	w.want(w.channel(notify.Health{}, true, 0), "resolved:channel_failing::0")
	w.want(w.channel(notify.Health{}, true, 1), "firing:channel_failing::0")

	// A restart neither ends nor begins it before an attempt was made.
	w = w.restart()
	for peer, asn := range map[string]uint32{"edge1": 64500, "edge2": 64501} {
		w.up(peer)
		w.announce(peer, "203.0.113.0/24", asn, 64496)
		w.endOfRIB(peer)
	}
	w.want(w.channel(notify.Health{}, false, 0), "")
	w.want(w.channel(notify.Health{Behind: w.now.Add(-time.Hour)}, true, 0), "")
	w.want(w.channel(notify.Health{}, true, 0), "resolved:channel_failing::0")
	w.want(w.channel(notify.Health{Behind: w.now.Add(-time.Hour)}, true, 0), "")
	w.want(w.pass(time.Hour), "")

	// One that is disabled, or cannot be used, fails at once; one that is not configured any more ends.
	w.want(w.channel(notify.Health{Useless: true, Error: "it answered 410 Gone"}, true, 0), "firing:channel_failing::0")
	w.engine.channelsAre(nil)
	w.want(w.tell(), "resolved:channel_failing::0")
}

// Who looks at the status right after a channel has failed sees it, though the engine has not looked at the channels since.
func TestChannelsAreShownAsTheyAre(t *testing.T) {
	cfg := quiet(t)
	cfg.Channels = []config.Channel{{Name: "noc", Kind: "webhook", URL: config.NewURL("http://127.0.0.1:1/", false), MinSeverity: "warning"}}
	d := New(cfg, Options{Log: zap.NewNop()})
	if err := d.openStore(); err != nil {
		t.Fatal(err)
	}
	d.channels.SetChannels(cfg.Channels)
	stages := newStages()
	stages.start(t.Context(), d.store.Run)
	stages.start(t.Context(), d.channels.Run)
	defer stages.stop()
	d.snapshot.Store(&api.Snapshot{Status: api.Status{Channels: []api.Channel{{Name: "noc", State: "ok"}}}})
	if _, err := d.try(t.Context(), "noc", notify.Test(cfg.Channels[0], "test", time.Now())); err == nil {
		t.Fatal("a private address was reached")
	}
	if c := d.Snapshot().Status.Channels[0]; c.Name != "noc" || c.State != "failing" || c.LastError == "" {
		t.Errorf("shown as %+v", c)
	}
}
