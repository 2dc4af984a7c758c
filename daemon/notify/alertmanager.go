package notify

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"peervane/config"
	"peervane/daemon/notice"
)

const (
	alertsPath   = "/api/v2/alerts"
	alertsAtOnce = 50 // in one request: proxies take no more than 1 MB, as a rule
	repeatAlerts = time.Minute
	alertLasts   = 4 // times the interval at which it is told again, so that a lost request ends no alert
)

// alertmanager posts to the v2 API of a Prometheus Alertmanager:
// https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml. An alert there is its labels, and lasts until
// its endsAt.
type alertmanager struct {
	*poster
	lasts time.Duration
	beats time.Duration                // how long a heartbeat lasts
	told  map[string]map[string]string // the labels that were told last, by fingerprint
}

type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

func newAlertmanager(c config.Channel, version string) (Notifier, error) {
	secret := c.URL.String() != c.URL.Reveal()
	c.URL = config.NewURL(alertsURL(c.URL.Reveal()), secret)
	p, err := newPoster(c, version)
	if err != nil {
		return nil, err
	}
	return &alertmanager{p, alertLasts * repeatAlerts, alertLasts * c.Heartbeat, map[string]map[string]string{}}, nil
}

// alertsURL adds the path of the API to an address that does not end in it.
func alertsURL(address string) string {
	u, err := url.Parse(address)
	if err != nil || strings.HasSuffix(u.Path, alertsPath) {
		return address
	}
	return u.JoinPath(alertsPath).String()
}

// Send tells one alert. Where its labels are others than before, as when the severity rose, it ends the alert with the
// old ones in the same request.
func (a *alertmanager) Send(ctx context.Context, d notice.Delivery) Result {
	n, err := notice.Parse(d.Body)
	if err != nil {
		return Result{Outcome: Permanent, Err: err}
	}
	now := time.Now()
	told := a.alert(&n, now)
	alerts := []alert{told}
	if before, ok := a.told[n.Fingerprint]; ok && !maps.Equal(before, told.Labels) {
		alerts = append(alerts, alert{before, told.Annotations, told.StartsAt, later(now, told.StartsAt)})
	}
	result := a.postAlerts(ctx, alerts)
	if result.Outcome == Delivered {
		a.keep(&n, told)
	}
	return result
}

// Repeat tells again what stands, so that it goes on to stand. What is refused ends nothing else.
func (a *alertmanager) Repeat(ctx context.Context, standing []notice.Delivery) Result {
	worst := Result{Outcome: Delivered}
	for some := range slices.Chunk(standing, alertsAtOnce) {
		var alerts []alert
		for _, d := range some {
			n, err := notice.Parse(d.Body)
			if err != nil {
				return Result{Outcome: Permanent, Err: err}
			}
			alerts = append(alerts, a.alert(&n, time.Now()))
			a.keep(&n, alerts[len(alerts)-1])
		}
		switch result := a.postAlerts(ctx, alerts); result.Outcome {
		case Delivered:
		case Permanent:
			worst = result
		default:
			return result
		}
	}
	return worst
}

func (a *alertmanager) postAlerts(ctx context.Context, alerts []alert) Result {
	body, err := encode(alerts)
	if err != nil {
		return Result{Outcome: Permanent, Err: err}
	}
	return a.post(ctx, body, nil)
}

// keep remembers the labels of an alert that stands.
func (a *alertmanager) keep(n *notice.Notice, told alert) {
	if n.Status == notice.Resolved {
		delete(a.told, n.Fingerprint)
		return
	}
	a.told[n.Fingerprint] = told.Labels
}

func (a *alertmanager) alert(n *notice.Notice, now time.Time) alert {
	ends := now.Add(a.lasts)
	switch {
	case n.Status == notice.Resolved:
		ends = n.ResolvedAt.Time
	case n.Type == notice.Heartbeat:
		ends = now.Add(max(a.beats, a.lasts))
	}
	return alert{
		Labels:      alertLabels(n),
		Annotations: alertAnnotations(n),
		StartsAt:    n.StartedAt.Time,
		EndsAt:      later(ends, n.StartedAt.Time).UTC().Truncate(time.Millisecond),
	}
}

// later keeps an end behind its beginning, which Alertmanager insists on.
func later(end, start time.Time) time.Time {
	if end.Before(start) {
		return start
	}
	return end
}

// alertLabels are the same on every host that sees the condition: the source is an annotation.
func alertLabels(n *notice.Notice) map[string]string {
	labels := map[string]string{}
	for name, value := range n.Labels {
		labels[labelName(name)] = value
	}
	own := map[string]string{
		"alertname": n.Type, "severity": n.Severity.String(), "job": "peervane", "fingerprint": n.Fingerprint,
		"prefix": prefixText(n), "connection": n.Connection, "peer": n.Peer, "pop": n.POP, "culprit": asn(n.CulpritASN),
		"offending_prefix": offendingText(n),
	}
	maps.Copy(labels, own)
	maps.DeleteFunc(labels, func(_, value string) bool { return value == "" }) // to Alertmanager it is no label
	return labels
}

func alertAnnotations(n *notice.Notice) map[string]string {
	var lines []string
	for _, f := range facts(n) {
		lines = append(lines, f.Name+": "+f.Value)
	}
	annotations := map[string]string{
		"summary": n.Summary, "description": strings.Join(lines, "\n"), "incident": n.Incident, "source": n.Source,
		"routes": strings.Join(routeLines(n.Evidence.Routes), "\n"),
	}
	maps.DeleteFunc(annotations, func(_, value string) bool { return value == "" })
	return annotations
}

// labelName makes a name of the form [a-zA-Z_][a-zA-Z0-9_]*, which every version of Alertmanager takes.
func labelName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, name)
	if clean == "" || clean[0] >= '0' && clean[0] <= '9' {
		clean = "_" + clean
	}
	return clean
}
