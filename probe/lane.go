package probe

import (
	"crypto/rand"
	"net/netip"
	"sync"
	"time"

	"github.com/google/gopacket"
	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"

	"peervane/probe/stats"
)

const (
	// lanePace bounds the packets a second of one socket. Unpaced, its receive
	// buffer overflows and the loss looks like the network's.
	lanePace = 5000
	// laneBurst is how many of them may go out at once.
	laneBurst = 16
	// sendTries is how often sending is tried: the error of an ICMP message
	// about another packet is handed to whoever sends next.
	sendTries = 3
)

// lane is one ICMP socket with one id, its in-flight table and its reader.
type lane struct {
	echoSocket
	path   lanePath
	serial uint64 // later lanes have higher ones
	refs   int    // flows and batches that use it; lanes guards it

	pace   *rate.Limiter
	origin time.Time // of instant.mono
	clock  clock
	wake   int // an eventfd that ends the reader
	done   chan struct{}

	mu      sync.Mutex // guards all below, and the order of sending
	flights *flights
	nextKey uint32 // that the kernel gives the next transmit stamp
	dropped overflows
	claimed uint32 // of those, on how many some loss was blamed
	buffer  gopacket.SerializeBuffer
}

// openLane opens the socket and starts its reader, which close waits for.
func openLane(path lanePath, serial uint64, clock clock) (*lane, error) {
	socket, err := openEcho(path)
	if err != nil {
		return nil, err
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(socket.fd)
		return nil, err
	}
	var first [2]byte
	rand.Read(first[:])
	l := &lane{
		echoSocket: socket,
		path:       path,
		serial:     serial,
		pace:       rate.NewLimiter(lanePace, laneBurst),
		origin:     time.Now(),
		clock:      clock,
		wake:       wake,
		done:       make(chan struct{}),
		flights:    newFlights(uint16(first[0])<<8 | uint16(first[1])),
		buffer:     gopacket.NewSerializeBuffer(),
	}
	go l.read()
	return l, nil
}

// close ends the reader, waits for it, and closes the socket.
func (l *lane) close() {
	unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	<-l.done
	unix.Close(l.wake)
	unix.Close(l.fd)
}

// send sends the next probe of a round.
func (l *lane) send(r *round, flow *icmpFlow) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sendLocked(r, flow)
}

func (l *lane) sendLocked(r *round, flow *icmpFlow) {
	now := time.Now()
	l.flights.sweep(now.Sub(l.origin))
	f := &flight{
		round: r, flow: flow, place: len(r.outcomes), addr: flow.target.Addr,
		expires: now.Sub(l.origin) + r.timeout + grace,
		drops:   l.dropped.count(&l.echoSocket),
	}
	rand.Read(f.cookie[:])
	r.outcomes = append(r.outcomes, Outcome{Seq: f.place, Sent: now, Kind: stats.Lost})
	r.flights = append(r.flights, f)
	if err := l.transmit(f); err != nil {
		l.flights.drop(f)
		r.fail(f.place, err)
	}
}

// transmit numbers and sends one packet.
func (l *lane) transmit(f *flight) error {
	if !l.flights.add(f) {
		return unix.ENOBUFS
	}
	packet, err := echo{id: l.id, seq: f.seq, cookie: f.cookie[:]}.encode(l.buffer, l.v6)
	if err != nil {
		return err
	}
	to := sockaddr(f.addr)
	for range sendTries {
		l.flights.expectStamp(f, l.nextKey)
		f.sent = l.clock(l.origin)
		if err = unix.Sendto(l.fd, packet, unix.MSG_DONTWAIT, to); err == nil {
			l.nextKey++
			return nil
		}
		l.rekey()
	}
	return err
}

// rekey starts the numbering of transmit stamps anew. Whether a packet that
// could not be sent has used up a number depends on where in the kernel it
// failed; guessing wrong would hand each later packet its neighbour's stamp.
func (l *lane) rekey() {
	l.flights.forgetStamps()
	l.nextKey = 0
	l.restartStamps()
}

// conclude ends a round and gives its outcomes.
func (l *lane) conclude(r *round) []Outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.claimed = r.blameSocket(l.dropped.count(&l.echoSocket), l.claimed)
	r.end()
	return r.outcomes
}

// read takes in replies, stamps and ICMP errors until close. It polls by
// itself: the poller of the Go runtime takes a socket that has nothing but an
// error pending, as each transmit stamp makes it, for broken. Should polling
// ever fail, the flows find the lane silent and leave it.
func (l *lane) read() {
	defer close(l.done)
	fds := []unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN}, {Fd: int32(l.wake), Events: unix.POLLIN}}
	var reader laneReader
	for {
		_, err := unix.Poll(fds, -1)
		if err != nil && err != unix.EINTR {
			return
		}
		if fds[1].Revents != 0 {
			return
		}
		reader.errors(l)
		reader.replies(l)
	}
}

// laneReader is the room that one reader needs.
type laneReader struct {
	queue errorBuffer
	data  [256]byte
	oob   [128]byte
}

// batchReads bounds what is read from one queue before the other has its turn.
const batchReads = 64

// errors empties the error queue.
func (b *laneReader) errors(l *lane) {
	for range batchReads {
		q, err := b.queue.read(l.fd)
		if err != nil {
			return
		}
		switch {
		case q.transmitted():
			l.stamped(q.key, q.stamp)
		case q.unreachable():
			l.refused(q)
		}
	}
}

// replies empties the receive queue. An error in place of a packet is that of
// an ICMP message, which the error queue tells better.
func (b *laneReader) replies(l *lane) {
	for range batchReads {
		if l.mixesDrops() {
			l.lookForDrops()
		}
		n, oobn, flags, from, err := unix.Recvmsg(l.fd, b.data[:], b.oob[:], unix.MSG_DONTWAIT)
		received := l.clock(l.origin)
		if err == unix.EAGAIN {
			return
		}
		if err != nil || flags&unix.MSG_TRUNC != 0 {
			continue
		}
		reply, err := l.decode(b.data[:n])
		if err != nil || !reply.reply || reply.id != l.id {
			continue
		}
		// The stamp of the request was queued before the request left, so it
		// is there by now, even if it was not when the other queue was read.
		b.errors(l)
		l.replied(reply, addrOf(from), parseQueued(b.oob[:oobn]).stamp, received)
	}
}

// lookForDrops counts drops while what they are can still be told.
func (l *lane) lookForDrops() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropped.count(&l.echoSocket)
}

// stamped takes in the transmit stamp of a packet.
func (l *lane) stamped(key uint32, tx int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flights.stamp(key, tx)
}

// refused takes in an ICMP error.
func (l *lane) refused(q queued) {
	quoted, err := l.decodeQuote(q.quote)
	if err != nil || quoted.reply || quoted.id != l.id {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.flights.bySeq[quoted.seq]; f != nil && f.quotedIn(q.to, quoted.cookie) {
		f.refuse(q.offender)
	}
}

// replied takes in an echo reply. One that carries a number under way but
// comes from elsewhere, or without the cookie, is foreign.
func (l *lane) replied(reply echo, from netip.Addr, rx int64, received instant) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.flights.bySeq[reply.seq]
	switch {
	case f == nil:
	case !f.matches(from, reply.cookie):
		f.flow.count(tally{foreign: 1})
	default:
		rtt, source := stamps{sent: f.sent, received: received, tx: f.tx, rx: rx}.rtt()
		f.answer(rtt, source)
	}
}
