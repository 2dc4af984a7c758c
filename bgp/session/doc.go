// Package session keeps one BGP session with one neighbour: it dials and accepts, agrees on capabilities, keeps the
// session alive, and hands every UPDATE to a Handler, as bytes, in order.
//
// It never announces a route. What it sends is OPEN, KEEPALIVE, NOTIFICATION, ROUTE-REFRESH and, once a session is
// Established, the End-of-RIB marker of each agreed family: that is an UPDATE which announces nothing, and neighbours
// that help or do graceful restart wait for it (RFC 4724 section 2). It never decodes an UPDATE, keeps no table, and
// decides nothing about routes.
//
// The state machine (FSM) is pure: Step takes an event and gives the actions; it has no clock and no socket. One FSM
// serves one neighbour and both directions, with at most two TCP connections: so collisions, and a neighbour that
// returns before its loss was seen, are transitions like any other, and the tests can go through all of them.
// Pure files: fsm.go, fsm_conn.go, event.go, open.go, role.go, reason.go, config.go.
//
// Session.Run is one goroutine that owns the FSM, the timers and the Handler; everything that the Handler hears is
// said on it. Each TCP connection has a goroutine that always reads and one that writes, each dial has one; Run waits
// for all of them before it returns. A Listener has one goroutine for each listening socket; its Run waits for them.
package session
