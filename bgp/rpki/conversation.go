package rpki

import (
	"fmt"
	"time"
)

// conversation is one session with one cache, from the first query on: it takes PDUs and gives what to answer. It is
// pure; the transport, the clock and what follows from an error belong to its caller.
type conversation struct {
	version uint8
	open    bool     // the cache has answered: the version is fixed (8210bis section 7)
	held    *holding // what the cache has told us, of this or an earlier transport; nil before the first End of Data
	asked   pduType  // the query that waits for its answer; serialNotify when none does
	tx      *transaction
	moved   bool // the cache has announced a newer serial since the last query
}

// cacheError is what the cache says of itself, or of us.
type cacheError struct {
	version uint8 // the highest that it speaks, where code is unsupportedVersion
	code    errorCode
	text    string
}

func (e *cacheError) Error() string {
	if e.text == "" {
		return fmt.Sprintf("the cache reports %s", e.code)
	}
	return fmt.Sprintf("the cache reports %s: %q", e.code, e.text)
}

// downgradeError asks to begin anew at a lower version, where the answer to a Serial Query came in one: serials do not
// carry over between versions.
type downgradeError struct{ version uint8 }

func (e *downgradeError) Error() string {
	return fmt.Sprintf("the cache answers in protocol version %d", e.version)
}

// query gives the next query: for the changes if what is held is of this version, for everything otherwise.
func (c *conversation) query() []byte {
	held := c.held
	c.asked, c.moved = serialQuery, false
	if held == nil || held.epoch.Version != c.version {
		held, c.asked = nil, resetQuery
	}
	return appendQuery(nil, c.version, held)
}

// idle says whether no answer is outstanding.
func (c *conversation) idle() bool { return c.asked == serialNotify }

// receive takes one PDU. It gives what to send, and a holding if this was the End of Data that completes one. Errors are
// *protocolError, *cacheError or *downgradeError, and end the conversation.
func (c *conversation) receive(p *pdu, now time.Time) (answer []byte, done *holding, err error) {
	if !c.open {
		if p.kind == serialNotify { // whatever its version (8210bis section 7)
			return nil, nil, nil
		}
		if err := c.negotiate(p); err != nil {
			return nil, nil, err
		}
	}
	if p.kind == errorReport {
		return nil, nil, &cacheError{p.version, errorCode(p.session), p.text}
	}
	if p.version != c.version {
		return nil, nil, p.fault(unexpectedVersion, "a PDU of version %d in a session of version %d", p.version, c.version)
	}
	return c.dispatch(p, now)
}

// negotiate takes the first answer, which may be of a lower version than the query (RFC 8210 section 7).
func (c *conversation) negotiate(p *pdu) error {
	switch {
	case p.kind == errorReport:
		return nil
	case p.kind != cacheResponse && p.kind != cacheReset:
		return p.fault(corruptData, "PDU type %d is no answer to a query", p.kind)
	case p.version < c.version && c.asked == serialQuery:
		return &downgradeError{p.version}
	case p.version < c.version:
		c.version = p.version
	}
	c.open = true
	return nil
}

func (c *conversation) dispatch(p *pdu, now time.Time) ([]byte, *holding, error) {
	switch p.kind {
	case serialNotify:
		return nil, nil, c.notify(p)
	case cacheResponse:
		return nil, nil, asError(c.begin(p))
	case cacheReset:
		if c.asked != serialQuery || c.tx != nil {
			return nil, nil, p.fault(corruptData, "a Cache Reset that answers no Serial Query")
		}
		return c.restart(), nil, nil
	case ipv4Prefix, ipv6Prefix, aspaRecord, routerKey:
		if c.tx == nil {
			return nil, nil, p.fault(corruptData, "a record outside of an answer")
		}
		return nil, nil, asError(c.tx.add(p))
	case endOfData:
		return c.end(p, now)
	}
	return nil, nil, p.fault(corruptData, "PDU type %d comes from routers only", p.kind)
}

// asError keeps a nil *protocolError from becoming an error that is not nil.
func asError(e *protocolError) error {
	if e == nil {
		return nil
	}
	return e
}

func (c *conversation) restart() []byte {
	c.asked = resetQuery
	return appendQuery(nil, c.version, nil)
}

// notify takes the hint that there is news; the caller queries soon.
func (c *conversation) notify(p *pdu) error {
	if c.held != nil && c.held.epoch.Version == c.version && c.asked != resetQuery && p.session != c.held.epoch.Session {
		return p.fault(corruptData, "session %d became %d", c.held.epoch.Session, p.session)
	}
	c.moved = true
	return nil
}

func (c *conversation) begin(p *pdu) *protocolError {
	t := &transaction{version: c.version, session: p.session}
	switch {
	case c.idle() || c.tx != nil:
		return p.fault(corruptData, "a Cache Response that answers no query")
	case c.asked == serialQuery:
		t.base = c.held
		if p.session != c.held.epoch.Session {
			return p.fault(corruptData, "session %d became %d", c.held.epoch.Session, p.session)
		}
	}
	c.tx = t
	return nil
}

// end completes the exchange. A serial that goes backwards within a session (RFC 1982) means that the cache has lost its
// way: then everything is fetched anew, and what is held stays until it has come.
func (c *conversation) end(p *pdu, now time.Time) ([]byte, *holding, error) {
	t := c.tx
	if t == nil || p.session != t.session {
		return nil, nil, p.fault(corruptData, "an End of Data of session %d that ends no answer", p.session)
	}
	c.tx = nil
	if t.base != nil && int32(p.serial-t.base.epoch.Serial) < 0 {
		return c.restart(), nil, nil
	}
	held, fault := t.commit(p, now)
	if fault != nil {
		return nil, nil, fault
	}
	c.held, c.asked = held, serialNotify
	return nil, held, nil
}
