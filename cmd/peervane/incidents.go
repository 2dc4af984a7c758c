package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"peervane/daemon/api"
	"peervane/daemon/notice"
)

// incidentsCommand lists the incidents, as the other views do; below it one is shown, and all are followed.
func incidentsCommand(e *env) *cobra.Command {
	c := asking(incidentsView)(e)
	list := asking(incidentsView)(e)
	list.Use, list.Short = "list"+strings.TrimPrefix(list.Use, "incidents"), "Show the incidents"
	c.AddCommand(failing(list), failing(asking(incidentView)(e)), failing(followIncidents(e)))
	return c
}

var incidentView = &view{
	use: "show ID", short: "Show all that is known of an incident", page: "incident", argument: "id", print: printing(printIncident),
}

// printIncident answers what a person asks who was just woken: what it is, what was done about it, who knows.
func printIncident(s *screen, d api.Detail) {
	n := &d.Incident
	s.row(cell{strings.ToUpper(string(n.Status)), bold}, cell{n.Severity.String() + ": " + n.Summary, severity(n.Severity).colour})
	for _, f := range []struct{ name, value string }{
		{"incident", n.Notice.Incident}, {"type", n.Type}, {"prefix", prefixOr(n, "")}, {"culprit", culprit(n.CulpritASN)},
		{"connection", n.Connection}, {"peer", n.Peer}, {"POP", n.POP}, {"labels", labels(n.Labels)},
		{"began", since(s, n.StartedAt)}, {"last told", since(s, n.UpdatedAt)}, {"ended", since(s, n.ResolvedAt)}, {"reason", n.Reason},
		{"seen at", seenAt(n.Vantages)}, {"methods", strings.Join(n.Evidence.Methods, ", ")}, {"also", strings.Join(n.Evidence.Also, ", ")},
		{"acknowledged", ackText(s, n.Acknowledged)}, {"held back by", n.HeldBack}, {"flapping", flapText(n.Flapping)},
		{"told by group", n.Group}, {"channels", cmp.Or(strings.Join(n.Told, ", "), "no channel")},
		{"fingerprint", n.Fingerprint},
	} {
		if f.value != "" {
			s.row(f.name, f.value)
		}
	}
	for _, r := range n.Evidence.Routes {
		s.row("route", fmt.Sprintf("%s at %s: %s", r.Prefix, r.Vantage, cmp.Or(r.ASPath, "(empty path)")))
	}
	for _, r := range n.Evidence.Previous {
		s.row("before", fmt.Sprintf("%s at %s: %s", r.Prefix, r.Vantage, cmp.Or(r.ASPath, "(empty path)")))
	}
	if g := n.Evidence.Group; g != nil {
		s.row("group", groupText(g))
		s.row("members", "see peervane incidents list --group "+n.Notice.Incident)
	}
	for _, line := range n.Evidence.Lines() { // each begins with what it is
		what, rest, _ := strings.Cut(line, " ")
		s.row(strings.TrimSuffix(what, ":"), rest)
	}
	for _, u := range d.Undelivered {
		s.row("to be told", cell{undeliveredText(u), red})
	}
}

// groupText counts the members of a group, and names some: open ones, as long as there are any.
func groupText(g *notice.Group) string {
	some := strings.Join(g.Examples, ", ")
	if g.Open == 0 {
		return fmt.Sprintf("none of %d holds any more; the last were %s", g.Total, some)
	}
	such := ""
	if len(g.Examples) < g.Open {
		such = ", such as"
	}
	return fmt.Sprintf("%d of %d hold now%s: %s", g.Open, g.Total, such, some)
}

func undeliveredText(u api.Undelivered) string {
	text := fmt.Sprintf("%s to %s, %d attempts", u.Status, u.Channel, u.Attempts)
	if u.Attempts == 1 {
		text = strings.TrimSuffix(text, "s")
	}
	if u.Error != "" {
		text += ": " + u.Error
	}
	switch {
	case u.Dead:
		text += "; a dead letter: see peervane deadletter list"
	case !u.NextAt.IsZero():
		text += "; again at " + when(u.NextAt)
	}
	return text
}

func since(s *screen, t notice.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s, %s ago", when(t), s.ago(t))
}

func seenAt(v notice.Vantages) string {
	if v.Total == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d vantages", v.Bad, v.Total)
}

func culprit(asn uint32) string {
	if asn == 0 {
		return ""
	}
	return fmt.Sprintf("AS%d", asn)
}

func prefixOr(n *api.Incident, none string) string {
	switch {
	case !n.Prefix.IsValid():
		return none
	case n.Offending.IsValid() && n.Offending != n.Prefix:
		return fmt.Sprintf("%s, by %s", n.Prefix, n.Offending)
	}
	return n.Prefix.String()
}

func labels(l map[string]string) string {
	if len(l) == 0 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(l), "map["), "]")
}

func ackText(s *screen, a *api.Ack) string {
	if a == nil {
		return ""
	}
	text := fmt.Sprintf("by %s, %s ago", a.By, s.ago(a.At))
	if a.Comment != "" {
		text += ": " + a.Comment
	}
	return text
}

func flapText(flapping bool) string {
	if flapping {
		return "yes: it is told again once it is steady"
	}
	return ""
}

// lifeNote is what a list says of an incident beside its summary.
func lifeNote(i *api.Incident) string {
	var notes []string
	if i.HeldBack != "" {
		notes = append(notes, "held back by "+i.HeldBack)
	}
	if i.Acknowledged != nil && !strings.Contains(i.Summary, "acknowledged by "+i.Acknowledged.By) {
		notes = append(notes, "acknowledged by "+i.Acknowledged.By)
	}
	if i.Flapping && !strings.Contains(i.Summary, "flapping") {
		notes = append(notes, "flapping")
	}
	if len(notes) == 0 {
		return ""
	}
	return "[" + strings.Join(notes, "; ") + "] "
}

func followIncidents(e *env) *cobra.Command {
	var where daemonAddress
	var asJSON bool
	c := &cobra.Command{
		Use:   "follow [-c FILE | --http ADDRESS] [--json]",
		Short: "Show the open incidents, and then every notice as it is told",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			base, err := where.base(c)
			if err != nil {
				return err
			}
			return follow(c.Context(), e, base, asJSON)
		},
	}
	where.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line: what is open, and then each notice")
	return c
}

// follow asks for the stream first and for what is open then, so that nothing is missed in between.
func follow(ctx context.Context, e *env, base string, asJSON bool) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/v1/follow", nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{}} // no proxy stands between this host and itself
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("no daemon answers at %s: %w: is it running, with this address in daemon.http?", req.URL.Host, reason(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // what there is of it
		return refusal(resp, body)
	}
	open, err := fetch(ctx, base+"/api/v1/incidents?"+url.Values{"status": {"open"}}.Encode())
	if err != nil {
		return err
	}
	var standing []json.RawMessage
	if err := json.Unmarshal(open, &standing); err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	for i := len(standing); i > 0; i-- { // the latest last
		if err := showTold(e.stdout, standing[i-1], asJSON); err != nil {
			return err
		}
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxAnswer)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue // a sign of life
		}
		if err := showTold(e.stdout, lines.Bytes(), asJSON); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil // told to stop
	}
	return errors.Join(errors.New("the daemon has ended the stream: is it stopping?"), lines.Err())
}

// showTold prints a notice on one line, in the columns of replay and with its incident.
func showTold(w io.Writer, line []byte, asJSON bool) error {
	if asJSON {
		return writeAll(w, append(line, '\n'))
	}
	var told struct {
		api.Incident
		Missed int `json:"missed"`
	}
	if err := json.Unmarshal(line, &told); err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	if told.Missed > 0 {
		if _, err := fmt.Fprintf(w, "… %d notices came too fast to be shown\n", told.Missed); err != nil {
			return err
		}
	}
	s, grave := newScreen(w, time.Now()), severity(told.Severity)
	_, err := fmt.Fprintf(w, "%s  %-8s  %s%*s  %-16s  %s  %s%s\n", when(told.UpdatedAt), told.Status, s.paint(grave), len("critical")-len(grave.text), "",
		told.Type, told.Notice.Incident, lifeNote(&told.Incident), printable(told.Summary))
	return err
}
