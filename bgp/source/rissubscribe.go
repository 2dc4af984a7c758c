package source

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/coder/websocket"

	"peervane/bgp/rib"
)

// maxSubscriptions is how many prefixes are asked for one by one. Of more, and of watched ASNs, whose withdrawals name no path, the
// whole stream is asked for, and what nobody watches is left out here.
const maxSubscriptions = 500

// subscriptions are what the server was asked for: the filters, as JSON.
type subscriptions map[string]bool

// risFilter is the data of a ris_subscribe or ris_unsubscribe.
type risFilter struct {
	Prefix       string      `json:"prefix,omitempty"`
	MoreSpecific *bool       `json:"moreSpecific,omitempty"`
	LessSpecific *bool       `json:"lessSpecific,omitempty"`
	Type         string      `json:"type,omitempty"`
	Socket       *risOptions `json:"socketOptions,omitempty"`
}

// risOptions: the bytes of a message tell what its JSON does not, such as large communities and Only-to-Customer.
type risOptions struct {
	IncludeRaw  bool `json:"includeRaw"`
	Acknowledge bool `json:"acknowledge"`
}

// subscriptionsTo says what to ask for.
func subscriptionsTo(w *rib.Watched) subscriptions {
	out := subscriptions{}
	add := func(f risFilter) {
		f.Socket = &risOptions{IncludeRaw: true, Acknowledge: true}
		b, _ := json.Marshal(f) // cannot fail
		out[string(b)] = true
	}
	prefixes := w.Widest()
	if len(prefixes) > maxSubscriptions || w.ByPath() {
		add(risFilter{})
		return out
	}
	yes := true
	for _, p := range prefixes {
		add(risFilter{Prefix: p.String(), MoreSpecific: &yes, LessSpecific: &yes, Type: risUpdate})
	}
	add(risFilter{Type: risPeerState}) // a filter by prefix lets none through
	return out
}

// subscribe asks for what is watched now and was not asked for, and no longer for what is not. have is changed so.
func (r *risLive) subscribe(ctx context.Context, conn *websocket.Conn, have subscriptions) (asked bool, _ error) {
	r.mu.Lock()
	watched := r.opts.Watched
	r.mu.Unlock()
	want := subscriptionsTo(watched)
	for _, f := range slices.Sorted(maps.Keys(want)) { // first: what is in both is never missed
		if have[f] {
			continue
		}
		asked = true
		r.locked(func() { r.asked.open++ }) // before the answer can come
		if err := ask(ctx, conn, "ris_subscribe", f); err != nil {
			return asked, err
		}
		have[f] = true
	}
	for _, f := range slices.Sorted(maps.Keys(have)) {
		if want[f] {
			continue
		}
		if err := ask(ctx, conn, "ris_unsubscribe", f); err != nil {
			return asked, err
		}
		delete(have, f)
	}
	return asked, nil
}

func ask(ctx context.Context, conn *websocket.Conn, what, filter string) error {
	text := `{"type":"` + what + `","data":` + filter + `}`
	return timely(ctx, func(ctx context.Context) error { return conn.Write(ctx, websocket.MessageText, []byte(text)) })
}
