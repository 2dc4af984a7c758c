package api

import (
	"bytes"
	"encoding/json"
	"errors"

	"peervane/daemon/notice"
)

// ErrUnknown says that there is no incident with an id.
var ErrUnknown = errors.New("there is no incident with this id")

// ErrTooMany says that enough follow already.
var ErrTooMany = errors.New("too many follow already")

// Incident is the body of an incident's latest notice, and what its life adds to it.
type Incident struct {
	notice.Notice
	Life
}

// Life is what was done about an incident.
type Life struct {
	Acknowledged *Ack     `json:"acknowledged"` // null: nobody has
	HeldBack     string   `json:"held"`         // what holds it back; "" when it is told
	Flapping     bool     `json:"flapping"`     // it is told again once it is steady
	Group        string   `json:"group"`        // the incident that tells of it; "" when it is told itself
	Told         []string `json:"told"`         // the channels that were told of it
}

// Ack is that somebody works at an incident.
type Ack struct {
	By      string      `json:"by"`
	At      notice.Time `json:"at"`
	Comment string      `json:"comment"`
}

// MarshalJSON gives the keys of the body, and then those of the life.
func (i Incident) MarshalJSON() ([]byte, error) {
	body, err := i.Body()
	if err != nil {
		return nil, err
	}
	return also(body, i.Life)
}

// also adds the keys of something to a JSON object.
func also(body []byte, more any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(more); err != nil {
		return nil, err
	}
	return append(append(bytes.TrimSuffix(body, []byte("}")), ','), bytes.TrimSpace(b.Bytes())[1:]...), nil
}

// Detail is one incident with all that is known of it.
type Detail struct {
	Incident    Incident
	Undelivered []Undelivered
}

// MarshalJSON adds to the incident what was not delivered.
func (d Detail) MarshalJSON() ([]byte, error) {
	body, err := d.Incident.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return also(body, undelivered{d.Undelivered})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Detail) UnmarshalJSON(text []byte) error {
	var more undelivered
	err := errors.Join(json.Unmarshal(text, &d.Incident), json.Unmarshal(text, &more))
	d.Undelivered = more.Undelivered
	return err
}

type undelivered struct {
	Undelivered []Undelivered `json:"undelivered"`
}

// Undelivered is a notice that a channel has not taken.
type Undelivered struct {
	Channel   string        `json:"channel"`
	Delivery  string        `json:"delivery"`
	Status    notice.Status `json:"status"`
	CreatedAt notice.Time   `json:"created_at"`
	Attempts  int           `json:"attempts"`
	NextAt    notice.Time   `json:"next_at"`
	Dead      bool          `json:"dead"` // a dead letter: it is not tried again by itself
	Error     string        `json:"error"`
}

// Told is a notice that was just told.
type Told struct {
	Body   []byte
	Held   string // to the log alone, because of this
	Missed int    // so many before it were not handed on
}

// Count is how many incidents of a type and severity are open, those of groups among them.
type Count struct {
	Type     string
	Severity notice.Severity
	Open     int
}

// Silence is a silence, as the control socket lists it.
type Silence struct {
	ID        string      `json:"id"`
	Matchers  []string    `json:"matchers"` // KEY=VALUE,VALUE; all of them must match; none: everything
	Since     notice.Time `json:"since"`
	Until     notice.Time `json:"until"`
	By        string      `json:"by"`
	Why       string      `json:"why"`
	Incidents int         `json:"incidents"` // open ones that it matches
}
