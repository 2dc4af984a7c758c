package session

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"peervane/bgp"
)

// mailbox is what others ask of a session. Posting never blocks, so that a listener, or the session's own Handler, may
// do it at any time: a newer connection replaces one that still waits, and requests of one kind are one.
type mailbox struct {
	mu      sync.Mutex
	mail    mail
	closed  bool
	waiting atomic.Bool
	wake    chan struct{} // holds one token while mail waits
}

type mail struct {
	conn    net.Conn
	cease   *cease
	refresh [bgp.NumFamilies]bool
}

type cease struct {
	subcode uint8
	text    string
	idle    time.Duration
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// post lets f write into the mail; false means that nobody will ever read it.
func (m *mailbox) post(f func(*mail)) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	f(&m.mail)
	m.waiting.Store(true)
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return true
}

// take empties the box. Without mail it costs one load.
func (m *mailbox) take() (mail, bool) {
	if !m.waiting.Load() {
		return mail{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	got := m.mail
	m.mail = mail{}
	m.waiting.Store(false)
	return got, true
}

// close refuses all further mail, and gives what was left.
func (m *mailbox) close() mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return m.mail
}
