package source

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/rib"
)

// Feed is where the routes of outside vantages come from, live. What it tells waits in a queue that the engine takes from; the
// feed never waits for it.
type Feed interface {
	// Run reads until ctx ends. Its error is always nil: what fails is tried again.
	Run(ctx context.Context) error
	// SetWatched changes what the engine is told of.
	SetWatched(*rib.Watched)
	// Take appends at most about so many of the Inputs that wait, and says whether there are more.
	Take(buf []bgp.Input, most int) (_ []bgp.Input, more bool)
	// Gone tells the engine that none of the vantages will come back. Run has returned.
	Gone(at time.Time)
	// Status may be called from any goroutine.
	Status() FeedStatus
}

// FeedConfig is one feed as it is configured.
type FeedConfig struct {
	Name, Kind string
	Path       string         // mrt-dir
	URL        string         // ris-live
	Listen     netip.AddrPort // bmp
	Allow      []netip.Prefix // bmp; none = anywhere
	Watched    *rib.Watched
	Look       time.Duration // between two looks at a folder; 0 = 5 s
}

// FeedState is how a feed is.
type FeedState string

// The states. While a feed is not up, what its vantages hold is not known.
const (
	FeedStarting FeedState = "starting" // it has not come up yet
	FeedWaiting  FeedState = "waiting"  // for somebody to connect
	FeedUp       FeedState = "up"
	FeedDown     FeedState = "down"
)

// FeedStatus is what a feed looked like at one moment.
type FeedStatus struct {
	State       FeedState
	Since       time.Time
	LastError   string
	LastErrorAt time.Time
	Vantages    int // that are known
	Up          int // those of them that are up
	Routes      int // that they hold
	Records     uint64
	Bad         uint64 // of them, those that could not be read
	LastRead    time.Time
}

// feedKinds are the kinds of feeds.
var feedKinds = []struct {
	name string
	make func(*feed) Feed
}{
	{"mrt-dir", func(f *feed) Feed { return newMRTDir(f) }},
	{"ris-live", func(f *feed) Feed { return newRISLive(f) }},
	{"bmp", func(f *feed) Feed { return newBMP(f) }},
}

// NewFeed makes a feed that does nothing until Run. wake is sent to, without blocking, when there is something to take.
func NewFeed(cfg FeedConfig, wake chan struct{}, log *zap.Logger) (Feed, error) {
	for _, k := range feedKinds {
		if k.name == cfg.Kind {
			return k.make(newFeed(cfg, wake, log)), nil
		}
	}
	return nil, fmt.Errorf("feed %s: there are no feeds of kind %q", cfg.Name, cfg.Kind)
}

// feedName is the name of a vantage of a feed. It is the same whenever the peer comes back.
func feedName(feed, collector string, peer mrtPeer) string {
	if collector == anyCollector {
		return fmt.Sprintf("%s/%s/%d", feed, peer.addr, peer.asn)
	}
	return fmt.Sprintf("%s/%s/%s/%d", feed, collector, peer.addr, peer.asn)
}
