package session

import (
	"errors"
	"net"
	"slices"

	"peervane/bgp/wire"
)

// Reason says why a session, or an attempt at one, has ended. Exactly one of Sent, Received and Err is set.
type Reason struct {
	Sent     *wire.Error
	Received *wire.Notification
	Err      error // the TCP connection failed, or was replaced

	// Graceful says that the neighbour's routes may be kept as stale: it listed families for graceful restart, and the
	// connection was lost, or, where both set the N bit, ended by a NOTIFICATION other than a Hard Reset.
	Graceful bool
	Text     string // for people
}

// errReplaced ends the old connection of a neighbour that came back before its loss was noticed.
var errReplaced = errors.New("the neighbour opened a new session: it has restarted")

// errConnectTimeout ends an attempt to connect. A router drops what is signed with another key, or not at all, without a word.
var errConnectTimeout = errors.New("no answer within connect_retry (it is down, a firewall is between, or it has another TCP MD5 password)")

// errSendHold is what RFC 9687 calls Send Hold Timer Expired.
var errSendHold = errors.New("the neighbour does not read: send hold timer expired")

func sent(e *wire.Error) Reason { return Reason{Sent: e, Text: "sent " + e.Error()} }

func received(n wire.Notification) Reason {
	n.Data = slices.Clone(n.Data)
	return Reason{Received: &n, Text: "received " + n.Text()}
}

// failed leaves addresses and ports out of the text: the neighbour is known, and one reason should read the same twice.
func failed(err error) Reason {
	text := err.Error()
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		text = op.Err.Error()
	}
	return Reason{Err: err, Text: text}
}

// unheard is the failure of a connection on which no OPEN came: a router takes the connection of a neighbour that it does not
// know, and drops it.
func unheard(err error) Reason {
	r := failed(err)
	r.Text += " without an OPEN (has it a session for our address?)"
	return r
}

// graceful judges whether routes may be kept (RFC 4724 section 4.2). With the N bit a NOTIFICATION counts like a lost
// connection, whichever side sends it, but for a Hard Reset (RFC 8538 section 4). A Cease of our own never does: what
// it ends is not to be kept.
func (r Reason) graceful(n *Negotiated) bool {
	if n == nil || !n.KeepsRoutes() {
		return false
	}
	switch {
	case r.Received != nil:
		_, hard := r.Received.HardReset()
		return n.GR.N && !hard
	case r.Sent != nil:
		return n.GR.N && r.Sent.Code != wire.CodeCease
	}
	return true
}
