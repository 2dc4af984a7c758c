package source

import (
	"errors"
	"time"
)

// dirHandler takes the records of a file in the folder.
type dirHandler interface {
	mrtHandler
	wrong(*Error) // of a record
	end() error   // of the file
}

// errLate says that a file holds updates of a time that was read past already.
var errLate = errors.New("updates come late")

// dirLive passes the records of one file on to the engine.
type dirLive struct {
	recorder
	dir  *mrtDir
	file *dirFile
	now  time.Time
}

// take does what a record asks for, under the lock.
func (l *dirLive) take(peer mrtPeer, at *time.Time, do func() error) error {
	d := l.dir
	d.mu.Lock()
	defer d.mu.Unlock()
	d.read(l.now)
	if !d.takes(*at) || !d.admits(l.collector, peer) {
		return nil
	}
	v := d.live.vantages.get(l.collector, peer)
	mark := d.latest[v]
	if mark.file != l.file && at.Before(mark.at) {
		return errLate
	}
	if !at.Before(mark.at) {
		d.latest[v] = dirMark{*at, l.file, mark.reset}
	}
	*at = d.clock(*at, l.now)
	l.at = *at
	return do()
}

func (l *dirLive) message(m *mrtMessage) error {
	return l.take(m.peer, &m.at, func() error { return l.recorder.message(m) })
}

func (l *dirLive) state(s *mrtState) error {
	at := s.at
	return l.take(s.peer, &s.at, func() error {
		if v := l.dir.live.vantages.get(l.collector, s.peer); s.resets() {
			mark := l.dir.latest[v]
			mark.reset = at
			l.dir.latest[v] = mark
		}
		return l.recorder.state(s)
	})
}

// resets says whether a session began or ended.
func (s *mrtState) resets() bool { return (s.from == mrtEstablished) != (s.to == mrtEstablished) }

// route and peerIndex are of a RIB dump that stands behind updates in one file: it shows nothing that the updates have not.
func (l *dirLive) route(*mrtRoute) error         { return nil }
func (l *dirLive) peerIndex(*mrtPeerIndex) error { return nil }

func (l *dirLive) ignored(string) {}

func (l *dirLive) wrong(err *Error) {
	l.dir.mu.Lock()
	defer l.dir.mu.Unlock()
	l.dir.bad(err, l.now)
}

func (l *dirLive) end() error { return nil }
