package netlab

import (
	"bytes"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newTestPipe makes a pipe between two socket pairs in place of interfaces, and
// returns the outer ends.
func newTestPipe(t *testing.T) (p *pipe, in, out *wire) {
	in, inner1 := socketPair(t)
	inner2, out := socketPair(t)
	p = must(newPipe(inner1, inner2, 1))(t)
	t.Cleanup(func() { check(t, p.close()) })
	return p, in, out
}

func socketPair(t *testing.T) (a, b *wire) {
	fds := must(unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0))(t)
	a, b = &wire{fd: fds[0]}, &wire{fd: fds[1]}
	t.Cleanup(func() { a.close(); b.close() })
	return a, b
}

// readable waits for a descriptor, at most so many milliseconds (-1 = for ever).
func readable(t *testing.T, fd, ms int) bool {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, ms)
		if err != unix.EINTR {
			check(t, err)
			return n == 1
		}
	}
}

func TestPipeCarriesAndThenSleeps(t *testing.T) {
	p, in, out := newTestPipe(t)
	p.imp.Store(&Impairment{Delay: time.Millisecond})
	start := time.Now()
	check(t, in.send([]byte("frame")))
	for p.stats.given.Load() == 0 && p.wait() {
		p.take()
		p.give()
	}
	if took := time.Since(start); took < time.Millisecond {
		t.Errorf("took %s, want at least 1ms", took)
	}
	buf := make([]byte, frameSize)
	n, _, err := out.receive(buf)
	if check(t, err); !bytes.Equal(buf[:n], []byte("frame")) {
		t.Errorf("received %q", buf[:n])
	}
	if p.arm(); readable(t, p.timer, 0) {
		t.Error("nothing is under way, but the timer still ends every sleep")
	}
}

func TestPipeEndsWithFramesUnderWay(t *testing.T) {
	p, in, _ := newTestPipe(t)
	p.imp.Store(&Impairment{Delay: time.Hour})
	var running sync.WaitGroup
	running.Go(p.run)
	check(t, in.send([]byte("frame")))
	for p.stats.taken.Load() == 0 {
		runtime.Gosched()
	}
	check(t, p.end())
	running.Wait()
	if s := p.stats.read(); s != (Stats{Taken: 1}) {
		t.Errorf("%+v, want one taken only", s)
	}
}

func TestPipeIsBounded(t *testing.T) {
	p, _, _ := newTestPipe(t)
	p.imp.Store(&Impairment{Delay: time.Hour, Duplicate: 1})
	for range maxQueue {
		p.admit(p.buffer()[:1], epoch)
	}
	s := p.stats.read()
	if p.queue.len() != maxQueue || s.Duplicated != maxQueue/2 || s.Overflow != maxQueue/2 {
		t.Errorf("%d under way, %+v, want %d under way and as many refused", p.queue.len(), s, maxQueue)
	}
	if len(p.spare) != 1 {
		t.Errorf("%d spare buffers, want the one that refused frames share", len(p.spare))
	}
}

func TestPipeCountsWhatItCannotSend(t *testing.T) {
	p, in, _ := newTestPipe(t)
	check(t, unix.Shutdown(p.out.fd, unix.SHUT_WR))
	check(t, in.send([]byte("frame")))
	p.take()
	p.give()
	if s := p.stats.read(); s != (Stats{Taken: 1, Overflow: 1}) {
		t.Errorf("%+v, want one taken and dropped", s)
	}
}

func TestAge(t *testing.T) {
	now := epoch
	tests := []struct {
		name  string
		stamp kernelStamp
		want  time.Duration
	}{
		{"none", 0, 0},
		{"just now", kernelStamp(now.UnixNano()), 0},
		{"a while ago", kernelStamp(now.Add(-3 * time.Millisecond).UnixNano()), 3 * time.Millisecond},
		{"clock set back since", kernelStamp(now.Add(time.Second).UnixNano()), 0},
		{"clock set forward since", kernelStamp(now.Add(-time.Hour).UnixNano()), 0},
	}
	for _, test := range tests {
		if got := test.stamp.age(now); got != test.want {
			t.Errorf("%s: age %s, want %s", test.name, got, test.want)
		}
	}
}
