package source

import (
	"context"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A connection that has not shown that it is a router's ends none that is, and does not stay.
func TestBMPUnproven(t *testing.T) {
	l := newBMPLab(t)
	first := l.router(bmpInit(), bmpUp(about(0, 0, 0, recordedPeer), false))
	l.told(1)
	strangers := make([]net.Conn, maxBMPNew)
	for i := range strangers {
		strangers[i] = l.router()
		l.awaitFresh(i + 1)
	}
	l.router()
	closed(t, strangers[0])
	closed(t, l.router(bmpMessage(bmpStatistics)))
	l.say(first, bmpMessage(bmpPeerDown, about(0, 0, 0, recordedPeer), []byte{4}))
	l.want(1, "routers/127.0.0.1/192.0.2.1/64500 down kept=[]")
	if s := l.bmp.Status(); s.State != FeedUp {
		t.Errorf("the status is %+v", s)
	}
}

func (l *bmpLab) awaitFresh(n int) {
	l.t.Helper()
	l.await(func(FeedStatus) bool {
		l.bmp.routers.Lock()
		defer l.bmp.routers.Unlock()
		return len(l.bmp.fresh) == n
	})
}

// poorListener has nothing to accept with at first.
type poorListener struct {
	net.Listener
	errors []error
}

func (p *poorListener) Accept() (net.Conn, error) {
	if len(p.errors) > 0 {
		err := p.errors[0]
		p.errors = p.errors[1:]
		return nil, &net.OpError{Op: "accept", Err: err}
	}
	return p.Listener.Accept()
}

// A host that has no more descriptors keeps its listener, and one that is silent is closed in time.
func TestBMPPoorHost(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := bmpHeard(t)
	b.greeting = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- b.serve(ctx, &poorListener{l, []error{unix.EMFILE, unix.ENOBUFS}}) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	closed(t, conn)
	select {
	case err := <-ended:
		t.Fatalf("it ended: %v", err)
	default:
	}
	cancel()
	<-ended
}
