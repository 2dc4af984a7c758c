package incident

import (
	"errors"
	"fmt"
	"time"

	"peervane/daemon/notice"
)

// ErrUnknown says that no open incident has an id.
var ErrUnknown = errors.New("no open incident has this id")

// Ack is that somebody works at an incident. From then on it is told only that it became graver, and its end.
type Ack struct {
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Comment string    `json:"comment"`
}

// Ack keeps who works at an incident. A second one takes the place of the first, but for what that person said, unless they say
// something else. By the id of an elder it is the one that tells of its condition now.
func (b *Book) Ack(id string, a Ack, now time.Time) ([]notice.Notice, error) {
	rec := b.Teller(id)
	if rec == nil {
		return nil, fmt.Errorf("%s: %w", id, ErrUnknown)
	}
	if rec.Ack != nil && rec.Ack.By == a.By && a.Comment == "" {
		a.Comment = rec.Ack.Comment
	}
	if rec.Ack != nil && (rec.Ack.By != a.By || rec.Ack.Comment != a.Comment) {
		rec.Told.Ack = false // that is news
	}
	rec.Ack = &a
	b.dirty[rec.ID()] = rec
	return b.look(rec, now), nil
}

func (a *Ack) text() string { return "acknowledged by " + a.By + a.remark() }

// Event says the same for the events log.
func (a *Ack) Event(id string) string { return a.By + " works at incident " + id + a.remark() }

func (a *Ack) remark() string {
	if a.Comment == "" {
		return ""
	}
	return ": " + a.Comment
}
