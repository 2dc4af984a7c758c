package probe

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"
)

func TestEchoLoopback(t *testing.T) {
	for _, addr := range []string{"127.0.0.1", "::1"} {
		t.Run(addr, func(t *testing.T) {
			p := openICMP(zaptest.NewLogger(t)).prober(Target{POP: "p", Addr: netip.MustParseAddr(addr), Method: ICMP})
			defer p.close()
			for range 3 {
				b := p.probe(context.Background(), Settings{Packets: 5, Spacing: time.Millisecond, Timeout: time.Second})
				t.Logf("%+v", b)
			}
		})
	}
}
