package session

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"peervane/bgp/wire"
)

const (
	// One read may bring as much as a buffer holds: enough for a neighbour at rest at first, and many messages, or one
	// of the longest, once it was filled.
	restSize  = 16 << 10
	chunkSize = 128 << 10

	// queued is how many messages may wait to be written. We write so little that more means a neighbour that does not
	// read.
	queued = 16

	// linger bounds how long a NOTIFICATION may take to go out, and the neighbour to take note.
	linger = time.Second

	// sendHoldTime is the least time that a write may take (RFC 9687 section 4).
	sendHoldTime = 8 * time.Minute
)

// link is one TCP connection. Its reader always reads, into one of two buffers, while the session works on what the
// other holds; its writer waits for the neighbour, so that the session never does. A link ends when the session closes
// it, and not before: a reader that has failed has said so in its last chunk.
type link struct {
	conn   net.Conn
	status *status

	chunks chan chunk  // complete messages, in order
	free   chan []byte // buffers
	out    chan []byte // messages
	closed chan struct{}

	reading  atomic.Bool  // the reader waits for bytes
	maxLen   atomic.Int32 // of the neighbour's messages
	sendHold atomic.Int64
	gaveUp   atomic.Bool // the send hold timer has expired

	mu      sync.Mutex // orders deadlines
	closing bool
}

// chunk is what came with one read, and what was left of the one before: whole messages, their headers good. After
// its err nothing follows.
type chunk struct {
	buf []byte
	n   int
	at  time.Time
	err error // a *wire.Error for a bad header
}

func newLink(conn net.Conn, st *status) *link {
	l := &link{
		conn: conn, status: st,
		chunks: make(chan chunk, 1), free: make(chan []byte, 2), out: make(chan []byte, queued),
		closed: make(chan struct{}),
	}
	l.free <- make([]byte, restSize)
	l.free <- make([]byte, restSize)
	l.maxLen.Store(wire.MaxLen)
	l.sendHold.Store(int64(sendHoldTime))
	return l
}

// run ends once the link is closed, within linger.
func (l *link) run() {
	var writer sync.WaitGroup
	writer.Go(l.write)
	err := l.read()
	<-l.closed
	writer.Wait()
	if err == nil {
		// What the neighbour has sent is taken in until it closes too: bytes left unread would make the kernel answer
		// with a reset, which can overtake our NOTIFICATION.
		_, _ = io.Copy(io.Discard, l.conn)
	}
	_ = l.conn.Close()
}

// read hands over chunks until the connection fails, which is its error, a header is bad, or the link is closed.
func (l *link) read() error {
	buf, fill := <-l.free, 0
	for {
		l.reading.Store(true)
		n, err := l.conn.Read(buf[fill:])
		l.reading.Store(false)
		at := time.Now()
		l.status.read(n, at)
		fill += n
		end, bad := frame(buf[:fill], int(l.maxLen.Load()))
		c := chunk{buf, end, at, l.cause(bad, err)}
		full, rest := fill == len(buf), buf[end:fill]
		if end > 0 || c.err != nil {
			if !l.deliver(c) || c.err != nil {
				return err
			}
			if buf = l.buffer(); buf == nil {
				return nil
			}
		}
		if (full || len(rest) >= len(buf)) && len(buf) < chunkSize {
			buf = make([]byte, chunkSize)
		}
		fill = copy(buf, rest)
	}
}

// cause is what ended the connection, if anything did: a bad header, the send hold timer, or what the read says.
func (l *link) cause(bad *wire.Error, err error) error {
	switch {
	case bad != nil:
		return bad
	case err != nil && l.gaveUp.Load():
		return errSendHold
	}
	return err
}

// frame finds where the last complete message ends.
func frame(b []byte, maxLen int) (end int, err *wire.Error) {
	for len(b)-end >= wire.HeaderLen {
		_, n, err := wire.ParseHeader(b[end:], maxLen)
		if err != nil {
			return end, err
		}
		if n > len(b)-end {
			break
		}
		end += n
	}
	return end, nil
}

func (l *link) deliver(c chunk) bool {
	select {
	case l.chunks <- c:
		return true
	case <-l.closed:
		return false
	}
}

// buffer waits for a free one; nil means that the link is closed.
func (l *link) buffer() []byte {
	select {
	case buf := <-l.free:
		return buf
	case <-l.closed:
		return nil
	}
}

// recycle gives a chunk's buffer back to the reader.
func (l *link) recycle(c chunk) { l.free <- c.buf }

// unread says whether the neighbour may have said something that the session has not heard yet.
func (l *link) unread() bool {
	return unreadBytes(l.conn) > 0 || !l.reading.Load() || len(l.chunks) > 0
}

// send queues a message. It never blocks: where the queue is full, the neighbour has not read for a long time.
func (l *link) send(msg []byte) {
	select {
	case l.out <- msg:
	default:
		l.giveUp()
	}
}

// busy says whether the neighbour is slow to take in what we say.
func (l *link) busy() bool { return len(l.out) > queued/2 }

// write writes what is queued, until the link is closed; then it says that no more will come. A connection that fails
// is for the reader to tell of, since the neighbour's last words may still be unread.
func (l *link) write() {
	broken := false
	for msg := range l.out {
		if broken {
			continue
		}
		l.setWriteDeadline()
		n, err := l.conn.Write(msg)
		l.status.bytesOut.Add(uint64(n))
		broken = err != nil
		if errors.Is(err, os.ErrDeadlineExceeded) {
			l.giveUp()
		}
	}
	if half, ok := l.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	} else {
		_ = l.conn.Close()
	}
}

// giveUp makes the reader fail: the neighbour does not read.
func (l *link) giveUp() {
	l.gaveUp.Store(true)
	_ = l.conn.Close()
}

func (l *link) setWriteDeadline() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closing {
		_ = l.conn.SetWriteDeadline(time.Now().Add(time.Duration(l.sendHold.Load())))
	}
}

// agree sets what the neighbour's OPEN changes for the connection.
func (l *link) agree(n *Negotiated) {
	l.maxLen.Store(int32(n.MaxLen()))
	l.sendHold.Store(int64(max(sendHoldTime, 2*n.HoldTime)))
}

// close ends the link; what is queued goes out, if the neighbour reads. The session calls it once and hears nothing
// of the link afterwards.
func (l *link) close() {
	l.mu.Lock()
	l.closing = true
	_ = l.conn.SetDeadline(time.Now().Add(linger))
	l.mu.Unlock()
	close(l.out)
	close(l.closed)
}
