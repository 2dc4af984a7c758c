package session

import (
	"bytes"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"peervane/bgp/wire"
)

// startLink gives a link over real TCP and its far end.
func startLink(t *testing.T) (*link, net.Conn) {
	t.Helper()
	ln := tcpPeer(t, "127.0.1.2", nil)
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	l := newLink(conn, newStatus(time.Now()))
	var running sync.WaitGroup
	running.Go(l.run)
	t.Cleanup(func() {
		_ = far.Close()
		l.close()
		running.Wait()
	})
	return l, far
}

func take(t *testing.T, l *link) chunk {
	t.Helper()
	select {
	case c := <-l.chunks:
		return c
	case <-time.After(patience):
		t.Fatal("no chunk came")
	}
	return chunk{}
}

// eventually spins until a condition holds that no event announces.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for start := time.Now(); !holds(); runtime.Gosched() {
		if time.Since(start) > patience {
			t.Fatalf("never: %s", what)
		}
	}
}

// Bytes count as unread in the kernel, in the reader and in the channel, until the session has taken them.
func TestUnread(t *testing.T) {
	l, far := startLink(t)
	eventually(t, "nothing to read", func() bool { return !l.unread() })
	var held []chunk
	for range 2 {
		_, _ = far.Write(keepalive())
		held = append(held, take(t, l))
	}
	_, _ = far.Write(keepalive())
	eventually(t, "bytes in the kernel", func() bool { return unreadBytes(l.conn) == wire.HeaderLen })
	if !l.unread() {
		t.Error("bytes in the kernel count as read")
	}
	l.recycle(held[0])
	eventually(t, "a chunk in the channel", func() bool { return len(l.chunks) == 1 })
	if !l.unread() {
		t.Error("a chunk in the channel counts as read")
	}
	l.recycle(take(t, l))
	l.recycle(held[1])
	eventually(t, "nothing to read again", func() bool { return !l.unread() })
}

// A neighbour at rest costs little memory; one that talks much gets large buffers, and nothing is lost on the way.
func TestBuffersGrow(t *testing.T) {
	l, far := startLink(t)
	l.maxLen.Store(wire.MaxExtendedLen)
	sent := bytes.Join([][]byte{keepalive(), update(16000), update(1), update(16000), update(300), keepalive()}, nil)
	var writing sync.WaitGroup
	writing.Go(func() { _, _ = far.Write(sent) })
	defer writing.Wait()
	var got []byte
	for len(got) < len(sent) {
		c := take(t, l)
		if c.err != nil {
			t.Fatal(c.err)
		}
		got = append(got, c.buf[:c.n]...)
		l.recycle(c)
	}
	if !bytes.Equal(got, sent) {
		t.Error("what came is not what was sent")
	}
}

// However a stream is cut into reads, the same messages come out, or the same fault.
func FuzzFrame(f *testing.F) {
	f.Add(bytes.Join([][]byte{keepalive(), update(3), keepalive()}, nil), uint16(30), false)
	f.Add(update(2000), uint16(4000), true)
	f.Add(update(2000), uint16(10), false)
	f.Add(append(keepalive(), "nonsense that is longer than a header"...), uint16(20), false)
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16, extended bool) {
		maxLen := wire.MaxLen
		if extended {
			maxLen = wire.MaxExtendedLen
		}
		end, bad := frame(stream, maxLen)
		if end < 0 || end > len(stream) {
			t.Fatalf("end %d of %d", end, len(stream))
		}
		first, early := frame(stream[:min(int(cut), len(stream))], maxLen)
		if early != nil {
			if first != end || bad == nil {
				t.Fatalf("cut at %d: fault after %d; whole: %d, %v", cut, first, end, bad)
			}
			return
		}
		second, late := frame(stream[first:], maxLen)
		if first+second != end || (late == nil) != (bad == nil) {
			t.Fatalf("cut at %d: %d and %d, %v; whole: %d, %v", cut, first, second, late, end, bad)
		}
	})
}
