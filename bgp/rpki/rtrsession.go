package rpki

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

const (
	writeTimeout    = 10 * time.Second
	answerTimeout   = time.Minute      // for the next whole PDU while an answer is outstanding
	exchangeTimeout = 10 * time.Minute // from query to End of Data (8210bis section 11.4)
	notifyPause     = time.Second      // between two exchanges, however often the cache notifies
)

// errNotResumed is a cache that knows nothing of our session: it has restarted. It should answer with a Cache Reset
// (8210bis section 5.3); StayRTR reports corrupt data, and at times closes before that has gone out. Nothing that we
// hold is wrong by that, so it is kept.
var errNotResumed = errors.New("the cache does not resume the session")

// errGuessed ends a session whose version we lowered without being told to, when the next poll is due: the cache may
// have been starting up, and now speak a newer one.
var errGuessed = errors.New("the newest version is tried again")

// errClosed is a transport that the cache ended between two PDUs.
var errClosed = errors.New("connection closed by the cache")

// errUnanswered is a transport that ended before the cache said anything: older caches answer an unknown version so.
var errUnanswered = errors.New("the cache closes without an answer")

// rtrSession is one conversation over one transport.
type rtrSession struct {
	conn    net.Conn
	in      *pduReader
	poll    time.Duration
	guessed bool // as in cache
	talk    conversation
	asked   time.Time // when the outstanding query went out
	heard   time.Time // when the last whole PDU came, or the query went out
}

// step waits for one PDU or the next poll. It gives a holding when one became complete.
func (s *rtrSession) step() (*holding, error) {
	s.conn.SetReadDeadline(s.deadline()) // fails on a closed connection only, as the read will once its buffer is empty
	p, err := s.in.next()
	now := time.Now()
	var done *holding
	var answer []byte
	switch {
	case err == nil:
		s.heard = now
		answer, done, err = s.talk.receive(&p, now)
	case errors.Is(err, io.EOF):
		err = errClosed
	case errors.Is(err, os.ErrDeadlineExceeded) && s.talk.idle() && s.guessed:
		err = errGuessed
	case errors.Is(err, os.ErrDeadlineExceeded) && s.talk.idle():
		answer, err = s.talk.query(), nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("no whole answer within %v: %w", now.Sub(s.asked).Round(time.Second), err)
	}
	var fault *protocolError
	if errors.As(err, &fault) {
		s.send(appendReport(nil, s.talk.version, fault)) // best effort: the transport ends either way
	}
	if err == nil && answer != nil {
		err = s.send(answer)
	}
	return done, err
}

func (s *rtrSession) deadline() time.Time {
	if !s.talk.idle() {
		return earlier(s.heard.Add(answerTimeout), s.asked.Add(exchangeTimeout))
	}
	pause := min(s.talk.held.timing.refresh, s.poll)
	if s.talk.moved {
		pause = notifyPause
	}
	return s.talk.held.confirmed.Add(pause)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (s *rtrSession) send(b []byte) error {
	s.asked = time.Now()
	s.heard = s.asked
	if err := s.conn.SetWriteDeadline(s.asked.Add(writeTimeout)); err != nil {
		return err
	}
	_, err := s.conn.Write(b)
	return err
}

// explain tells the ways apart in which a transport ends before the cache has answered at all.
func (s *rtrSession) explain(err error) error {
	var said *cacheError
	refused := errors.As(err, &said) && (said.code == corruptData || said.code == invalidRequest)
	switch {
	case s.talk.open:
	case s.talk.asked == serialQuery && (refused || transportEnded(err)):
		return fmt.Errorf("%w: %w", errNotResumed, err)
	case transportEnded(err):
		return fmt.Errorf("%w in version %d: %w", errUnanswered, s.talk.version, err)
	}
	return err
}

// transportEnded says whether err is of the transport, and not of what was said over it.
func transportEnded(err error) bool {
	var fault *protocolError
	var said *cacheError
	var lower *downgradeError
	return !errors.As(err, &fault) && !errors.As(err, &said) && !errors.As(err, &lower) && !errors.Is(err, os.ErrDeadlineExceeded)
}
