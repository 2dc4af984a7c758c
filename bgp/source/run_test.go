package source

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Run looks after the deadlines, and ends with its session.
func TestPeerRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, nil)
		l.restarts(60, true)
		peer := NewPeer(PeerConfig{
			Session:         session.Config{Name: "edge1", Passive: true, LocalASN: 64512, ASN: 64500, Families: bgp.Families[:]},
			Vantage:         &bgp.Vantage{Name: "edge1"},
			Watched:         rib.NewWatched(watchedNets, nil),
			GracefulRestart: 120 * time.Second,
		}, nil, zap.NewNop(), session.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- peer.Run(ctx) }()

		peer.Established(l.neg, time.Now())
		peer.Closed(session.Reason{Graceful: true}, time.Now())
		<-peer.Pending().Wake()
		peer.Pending().Take(nil)
		lost := time.Now()
		<-peer.Pending().Wake()
		took := peer.Pending().Take(nil)
		if _, ok := took[0].(bgp.StaleLost); !ok || time.Since(lost) != time.Minute {
			t.Errorf("after %v: %v", time.Since(lost), took)
		}
		l.neg.GR = nil
		peer.Established(l.neg, time.Now())
		<-peer.Pending().Wake()
		up := time.Now()
		<-peer.Pending().Wake()
		synctest.Wait() // both families are told
		if took := peer.Pending().Take(nil); len(took) != 3 || time.Since(up) != quietTime {
			t.Errorf("after %v: %v", time.Since(up), took)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
