package notify

import (
	"maps"
	"slices"
	"time"

	"peervane/config"
	"peervane/daemon/notice"
)

// Route says which channels get a notice, in the order of the configuration, and who has been told of its incident then.
// told, which is not changed, holds those who were told before.
//
// A firing or updated notice goes to every channel whose filters match it, and to those who were told already, whatever
// their filters say by now. A resolve goes to exactly those who were told, but for channels that wanted no resolve
// whenever they were told.
func Route(n *notice.Notice, told notice.Told, channels []config.Channel) (to []string, after notice.Told) {
	if n.Status == notice.Resolved {
		return owed(told, channels), nil
	}
	after = notice.Told{}
	for _, c := range channels {
		owed, was := told[c.Name]
		if was || wants(c, n) {
			to = append(to, c.Name)
			after[c.Name] = owed || c.Resolve
		}
	}
	// Those who were told and are not configured now may be again before the end.
	for name, owed := range told {
		if _, ok := after[name]; !ok {
			after[name] = owed
		}
	}
	return to, after
}

// owed says who is to be told the end. For a channel that is not configured just now it waits in the outbox: should the channel
// come back, it is told what waited there, and nothing stays open at its receiver.
func owed(told notice.Told, channels []config.Channel) []string {
	var to []string
	for _, c := range channels {
		if told[c.Name] && Supported(c.Kind) {
			to = append(to, c.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(told)) {
		if told[name] && !slices.ContainsFunc(channels, func(c config.Channel) bool { return c.Name == name }) {
			to = append(to, name)
		}
	}
	return to
}

// wants says whether a channel's filters match.
func wants(c config.Channel, n *notice.Notice) bool {
	least, err := notice.ParseSeverity(c.MinSeverity)
	if err != nil || !Supported(c.Kind) {
		return false
	}
	if n.Type == notice.ChannelFailing && n.Labels[notice.LabelChannel] == c.Name {
		return false // of that, the others are told
	}
	if len(c.Types) > 0 && !slices.Contains(c.Types, n.Type) {
		return false
	}
	return slices.ContainsFunc(n.Audiences(), func(a notice.Audience) bool {
		return a.Severity >= least && (len(c.Connections) == 0 || slices.Contains(c.Connections, a.Connection)) && labelled(a.Labels, c.Labels)
	})
}

// labelled says whether labels hold all that are wanted.
func labelled(labels, wanted map[string]string) bool {
	for label, value := range wanted {
		if have, ok := labels[label]; !ok || have != value {
			return false
		}
	}
	return true
}

// Deliveries makes the rows of the outbox that take a notice to channels. They share one id: that of the notice.
func Deliveries(n *notice.Notice, body []byte, to []string, now time.Time) []notice.Delivery {
	rows := make([]notice.Delivery, len(to))
	for i, channel := range to {
		rows[i] = notice.Delivery{ID: n.Delivery, Channel: channel, Incident: n.Incident, Body: body, Created: now}
	}
	return rows
}
