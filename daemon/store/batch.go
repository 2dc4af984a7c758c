package store

import (
	"net/netip"
	"time"

	"peervane/daemon/notice"
)

// Batch is written in one transaction, whole or not at all. Rows of a key that is there already replace it.
type Batch struct {
	Incidents []Incident
	Outbox    []notice.Delivery // Seq is given by Submit, in place
	KV        []KV
	Events    []Event
	Latency   []Latency
	Forget    []notice.Delivery // dead letters that are dead letters no more
	Urgent    bool              // somebody waits for it to be on disk, whatever it holds
}

// promised says whether somebody waits for the batch to be on disk. What is not promised may wait for company: an incident that
// nobody is told of, such as one more of a group.
func (b *Batch) promised() bool { return b.Urgent || len(b.Outbox)+len(b.Forget) > 0 }

// Incident is one incident of the book.
type Incident struct {
	ID          string // the key
	Fingerprint string
	Type        string
	Prefix      netip.Prefix
	Status      notice.Status
	Severity    notice.Severity
	Started     time.Time
	Updated     time.Time
	Resolved    time.Time // zero while it is open
	Told        notice.Told
	Notice      []byte // the body that was told last
	State       []byte // the book's own account of it
	Encode      Encode // gives both, where it is not nil
	Group       string // the id of the incident that tells of it; "" where none does
}

// Encode gives the two texts of an incident. The writer calls it, once what it holds is to be written: of one that changes a
// thousand times a second only what is written is encoded, and whoever submits it does not wait. Without ok it is left out.
type Encode func() (body, state []byte, ok bool)

// KV is one piece of state: settled paths, covering baselines. A nil Value deletes it.
type KV struct {
	Kind, Key string
	Value     []byte
}

// Event is one line of the events log.
type Event struct {
	At       time.Time
	Type     string
	Severity notice.Severity
	Prefix   netip.Prefix // registered
	Peer     string
	POP      string
	Detail   []byte // JSON
}
