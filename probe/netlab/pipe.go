package netlab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	mtu       = 1500
	frameSize = 14 + 4 + mtu // Ethernet header, one VLAN tag
	maxQueue  = 20000        // frames under way in one direction: 30 MB
	maxBatch  = 64           // frames taken before those that are due get their turn
)

// pipe carries the frames of one direction of a link. Its thread sleeps in one
// ppoll on the wire, a timer and the stop event. The timer is a timerfd because
// the time-out of ppoll itself is late by up to a thousandth of its length, and
// a Go timer by the scheduling of a goroutine.
type pipe struct {
	in, out *wire
	timer   int // timerfd, armed for the next frame that leaves
	stop    int // eventfd, raised to end run
	armed   time.Time

	imp    atomic.Pointer[Impairment]
	shaper shaper
	queue  queue
	spare  [][]byte // buffers of frames that have left
	stats  counters
}

// newPipe returns a pipe that is not yet running. The same seed brings the same
// luck to the same frames.
func newPipe(in, out *wire, seed uint64) (*pipe, error) {
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot make a timer: %w", err)
	}
	stop, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(timer)
		return nil, fmt.Errorf("cannot make an event: %w", err)
	}
	p := &pipe{in: in, out: out, timer: timer, stop: stop}
	p.shaper.luck = rand.New(rand.NewPCG(seed, seed))
	p.imp.Store(&Impairment{})
	return p, nil
}

// run carries frames until end is called.
func (p *pipe) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for p.wait() {
		p.take()
		p.give()
	}
}

// end makes run return. Frames under way are lost.
func (p *pipe) end() error {
	_, err := unix.Write(p.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	return err
}

// close frees what newPipe made, once run has returned.
func (p *pipe) close() error {
	return errors.Join(unix.Close(p.timer), unix.Close(p.stop))
}

// wait sleeps until there is something to do, and says whether to go on.
func (p *pipe) wait() bool {
	p.arm()
	fds := []unix.PollFd{
		{Fd: int32(p.in.fd), Events: unix.POLLIN},
		{Fd: int32(p.timer), Events: unix.POLLIN},
		{Fd: int32(p.stop), Events: unix.POLLIN},
	}
	_, err := unix.Ppoll(fds, nil, nil)
	return err == unix.EINTR || err == nil && fds[2].Revents == 0
}

// arm sets the timer for the next frame that leaves, if that has changed.
func (p *pipe) arm() {
	next, ok := p.queue.next()
	if !ok || next.Equal(p.armed) {
		return
	}
	p.armed = next
	in := max(time.Until(next), 1) // 0 would disarm it
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(in))}
	// It can only fail for a bad descriptor or time, and these are good.
	_ = unix.TimerfdSettime(p.timer, 0, &spec, nil)
}

// take queues the frames that have arrived.
func (p *pipe) take() {
	imp := p.imp.Load()
	for range maxBatch {
		buf := p.buffer()
		n, at, err := p.in.receive(buf)
		if err == unix.EMSGSIZE {
			p.stats.overflow.Add(1)
		}
		if err != nil {
			p.spare = append(p.spare, buf)
			return
		}
		p.admit(buf[:n], at, imp)
	}
}

func (p *pipe) admit(frame []byte, at time.Time, imp *Impairment) {
	p.stats.taken.Add(1)
	leave, copies := p.shaper.admit(at, imp)
	switch {
	case copies == 0:
		p.stats.lost.Add(1)
	case p.queue.len()+copies > maxQueue:
		p.stats.overflow.Add(1)
		copies = 0
	case copies == 2:
		p.stats.duplicated.Add(1)
		p.queue.push(append(p.buffer()[:0], frame...), leave)
	}
	if copies == 0 {
		p.spare = append(p.spare, frame)
		return
	}
	p.queue.push(frame, leave)
}

// give sends the frames that are due.
func (p *pipe) give() {
	for {
		frame, ok := p.queue.pop(time.Now())
		if !ok {
			return
		}
		if p.out.send(frame) == nil {
			p.stats.given.Add(1)
		} else {
			p.stats.overflow.Add(1)
		}
		p.spare = append(p.spare, frame)
	}
}

func (p *pipe) buffer() []byte {
	last := len(p.spare) - 1
	if last < 0 {
		return make([]byte, frameSize)
	}
	buf := p.spare[last][:frameSize]
	p.spare = p.spare[:last]
	return buf
}
