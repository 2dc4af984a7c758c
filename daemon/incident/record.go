package incident

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"peervane/bgp"
	"peervane/daemon/notice"
)

// Record is one incident, with all that is needed to go on with it after a restart.
type Record struct {
	Scope   Scope         `json:"scope"`
	Notice  notice.Notice `json:"notice"` // as it stands now; status and times are those of the last notice; no delivery
	Open    bool          `json:"open"`
	Summary string        `json:"summary"` // of the last finding, without latency and loss of sight

	Remains string `json:"remains,omitempty"` // once it is over: what of the other plane is not

	Bad         []Witness `json:"bad,omitempty"`         // by name
	Total       int       `json:"total"`                 // vantages that could show it, those that were lost included
	Connections []string  `json:"connections,omitempty"` // where the notice names none, because there are several
	Told        Told      `json:"told,omitzero"`
	Owed        Owed      `json:"owed,omitzero"`

	Ack      *Ack      `json:"ack,omitempty"`
	Flaps    Flaps     `json:"flaps,omitzero"`
	Flapping bool      `json:"flapping,omitempty"` // it is told no more until it is steady
	Cleared  time.Time `json:"cleared,omitzero"`   // since when its condition is gone, while it flaps
	Group    string    `json:"group,omitempty"`    // the incident that tells of it
	Lead     string    `json:"lead,omitempty"`     // of a group: the summary of the first in it
	Latest   string    `json:"latest,omitempty"`   // of a group: the last that came in
	Again    int       `json:"again,omitempty"`    // of a group: how many of its total were in it before
	Of       string    `json:"of,omitempty"`       // of a group: the kind of what is in it
	Aside    bool      `json:"aside,omitempty"`    // the log was told of it while it was held back

	Held  string    `json:"-"` // why nothing is told of it just now; found anew after a restart
	Since time.Time `json:"-"` // when it started, as the clock of this run shows it, which nobody sets; zero after a restart

	seat seat // in its group
}

// Owed is what has happened since the last notice that cannot be seen from what holds now.
type Owed struct {
	Amended  string `json:"amended,omitempty"`  // the reason why something beside its findings became known
	Loss     bool   `json:"loss,omitempty"`     // a vantage that showed it went out of sight
	Audience bool   `json:"audience,omitempty"` // of a group: some are in it who were not concerned before
}

// Witness is a vantage that showed the condition when it was last seen.
type Witness struct {
	Vantage string    `json:"vantage"`
	Lost    time.Time `json:"lost,omitzero"`    // since when it is out of sight; zero: it shows the condition now
	Unseen  bool      `json:"unseen,omitempty"` // not judged since a restart
}

// Told is what the last notices said, to know what is worth another one. The zero value: nothing was told.
type Told struct {
	At      time.Time `json:"at"`
	Bad     int       `json:"bad"`            // of a group: incidents
	Most    int       `json:"most,omitempty"` // of a group: the most that were open
	Low     int       `json:"low,omitempty"`  // of a group: the fewest that were open since
	Total   int       `json:"total"`
	Methods []string  `json:"methods,omitempty"`
	Lost    time.Time `json:"lost,omitzero"` // when a loss of sight was told last

	Severity notice.Severity `json:"severity"`
	Peak     notice.Severity `json:"peak"` // the gravest ever
	Culprit  uint32          `json:"culprit,omitempty"`
	Ack      bool            `json:"ack,omitempty"`
	Flapping bool            `json:"flapping,omitempty"`
	Spent    float64         `json:"spent,omitempty"` // updates, of which one a minute is forgotten
}

// ID is the incident's id.
func (r *Record) ID() string { return r.Notice.Incident }

// Encode gives an incident as it is kept: its notice, and beside that the rest.
func (r *Record) Encode() (body, state []byte, err error) {
	if body, err = r.Notice.Body(); err != nil {
		return nil, nil, err
	}
	state, err = json.Marshal(rest{Record: r})
	return body, state, err
}

// rest is what a record holds beside its notice.
type rest struct {
	*Record
	Notice *struct{} `json:"notice,omitempty"` // hides the other
}

// Decode reads what Encode gave. Of what cannot be read it gives what can.
func Decode(body, state []byte) (r Record, err error) {
	notice, err1 := notice.Parse(body)
	err2 := json.Unmarshal(state, &rest{Record: &r})
	r.Notice = notice
	return r, errors.Join(err1, err2)
}

// NotAfter takes a time for now that lies behind it: an earlier run kept it before the clock was set back. What is measured from
// it, as when an incident is steady and when its growth may be told, would stand still until the clock is there again.
func (r *Record) NotAfter(now time.Time) {
	times := []*time.Time{&r.Told.At, &r.Told.Lost, &r.Flaps.At, &r.Cleared}
	for i := range r.Bad {
		times = append(times, &r.Bad[i].Lost)
	}
	for _, t := range times {
		if t.After(now) {
			*t = now
		}
	}
}

// has finds a witness by name.
func (r *Record) has(vantage string) bool {
	_, found := slices.BinarySearchFunc(r.Bad, vantage, func(w Witness, name string) int { return cmp.Compare(w.Vantage, name) })
	return found
}

// lost names the witnesses that are out of sight.
func (r *Record) lost() []string {
	var out []string
	for _, w := range r.Bad {
		if !w.Lost.IsZero() {
			out = append(out, w.Vantage)
		}
	}
	return out
}

// fingerprint is the identity of a finding: never its vantages.
func fingerprint(f *bgp.Finding) string {
	return notice.Identity{
		Type: f.Type, Prefix: f.Prefix, Offending: f.Offending, Culprit: f.Culprit,
		Peer: f.Peer, POP: f.POP, Source: f.Source, Channel: f.Channel,
	}.Fingerprint()
}
