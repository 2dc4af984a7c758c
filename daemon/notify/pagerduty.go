package notify

import (
	"errors"

	"peervane/config"
	"peervane/daemon/notice"
)

const (
	pagerDutyURL     = "https://events.pagerduty.com/v2/enqueue"
	pagerDutySummary = 1024 // characters
)

// newPagerDuty posts to the Events API v2: https://developer.pagerduty.com/docs/events-api-v2/trigger-events. It answers
// 202, 400 for what it will never take, and 429 or 5xx for what may be tried again.
func newPagerDuty(c config.Channel, version string) (Notifier, error) {
	if len(c.Secrets) == 0 {
		return nil, errors.New("no integration key: name a file with it in secret_file")
	}
	if c.URL.IsZero() {
		c.URL = config.NewURL(pagerDutyURL, false)
	}
	return newPreset(c, version, func(n *notice.Notice) any { return pagerDutyEvent(n, c.Secrets[0]) })
}

type pagerDutyBody struct {
	RoutingKey  string            `json:"routing_key"`
	EventAction string            `json:"event_action"`
	DedupKey    string            `json:"dedup_key"`
	Client      string            `json:"client,omitempty"`
	Payload     *pagerDutyPayload `json:"payload,omitempty"` // of a trigger
}

type pagerDutyPayload struct {
	Summary   string         `json:"summary"`
	Source    string         `json:"source"`
	Severity  string         `json:"severity"`
	Timestamp string         `json:"timestamp"`
	Component string         `json:"component,omitempty"`
	Group     string         `json:"group,omitempty"`
	Class     string         `json:"class"`
	Details   *notice.Notice `json:"custom_details"`
}

// pagerDutyEvent makes one page of an incident, whichever hosts tell of it: the key is the fingerprint.
func pagerDutyEvent(n *notice.Notice, key config.Secret) any {
	switch {
	case n.Status == notice.Resolved:
		return pagerDutyBody{RoutingKey: key.Reveal(), EventAction: "resolve", DedupKey: n.Fingerprint}
	case n.Reason == notice.ReasonAcknowledged:
		return pagerDutyBody{RoutingKey: key.Reveal(), EventAction: "acknowledge", DedupKey: n.Fingerprint}
	}
	details := *n
	details.Evidence.Routes = n.Evidence.Routes[:min(len(n.Evidence.Routes), shownRoutes)] // an event is at most 512 KB
	details.Evidence.Previous = n.Evidence.Previous[:min(len(n.Evidence.Previous), shownRoutes)]
	return pagerDutyBody{
		RoutingKey: key.Reveal(), EventAction: "trigger", DedupKey: n.Fingerprint, Client: "peervane",
		Payload: &pagerDutyPayload{
			Summary: clip(n.Summary, pagerDutySummary), Source: n.Source, Severity: n.Severity.String(),
			Timestamp: n.UpdatedAt.String(), Component: subject(n), Group: n.Connection, Class: n.Type, Details: &details,
		},
	}
}
