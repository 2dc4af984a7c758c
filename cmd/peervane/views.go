package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"peervane/daemon/api"
	"peervane/daemon/notice"
)

var statusView = &view{use: "status", short: "Show how the daemon is", page: "status", print: printing(printStatus)}

var peersView = &view{
	use: "peers", short: "Show the BGP sessions", page: "peers", none: "no peers", print: printing(printPeers),
}

var routesView = &view{
	use: "routes PREFIX [--match HOW] [--vantage NAME]", short: "Show the routes of a prefix or address, of what is inside, and of what covers it",
	page: "routes", argument: "prefix", print: printing(printRoutes),
	none: "no routes: unless a peer has table = \"full\", only those inside or covering registered prefixes and POPs are kept; " +
		"'peervane peers' names the vantages",
	options: []option{
		{"match", "related", "`how` they must match: related, exact, longest, longer (it and what is inside) or watched"},
		{"vantage", "", "only what the vantage of this `name` holds"},
	},
}

var prefixesView = &view{
	use: "prefixes", short: "Show the registered prefixes", page: "prefixes", none: "no prefixes",
	print: listing(prefixColumns, printPrefix),
}

var incidentsView = &view{
	use: "incidents [--status STATUS]", short: "Show the incidents; show ID: all of one; follow: as they are told", page: "incidents", none: "no incidents",
	options: []option{{"status", "open", "which ones: a `status` of open, resolved or all"}, {"group", "", "those that this `incident` stands for"}}, print: printing(printIncidents),
}

var eventsView = &view{
	use: "events [--prefix PREFIX] [--since TIME]", short: "Show what was recorded", page: "events", none: "no events: --prefix takes a registered prefix, --since looks further back",
	options: []option{
		{"prefix", "", "only those of this registered `prefix`"},
		{"since", "24h", "from this `time` on, such as 6h, 7d or 2026-11-22T10:00:00Z"},
	},
	print: printing(printEvents),
}

var popsView = &view{
	use: "pops", short: "Show the POPs, as probed over the last ten minutes", page: "pops", none: "no POPs", print: printing(printPOPs),
}

var latencyView = &view{
	use: "latency [POP] [--window SPAN]", short: "Show what the probes measured", page: "latency", argument: "pop", optional: true, none: "nothing measured",
	options: []option{{"window", "6h", "how far to look back: a `span` such as 10m, 7d or 30d"}}, print: printing(printLatency),
}

var transitsView = &view{
	use: "transits", short: "Show what each AS on the way to the POPs has meant for the latency", page: "transits",
	none: "nothing to compare: as far as is remembered, the same ASes have always been on the way to each POP", print: printing(printTransits),
}

// printing reads an answer before it is printed.
func printing[T any](print func(*screen, T)) func(*screen, io.Reader) error {
	return func(s *screen, answer io.Reader) error {
		var whole T
		if err := json.NewDecoder(answer).Decode(&whole); err != nil {
			return err
		}
		print(s, whole)
		return nil
	}
}

// listing prints the parts of a list as they come: there may be a million.
func listing[T any](columns []string, print func(*screen, *T)) func(*screen, io.Reader) error {
	return func(s *screen, answer io.Reader) error {
		s.header(columns...)
		d := json.NewDecoder(answer)
		if begin, err := d.Token(); err != nil || begin != json.Delim('[') {
			return cmp.Or(err, errors.New("it is no list"))
		}
		for d.More() {
			var item T
			if err := d.Decode(&item); err != nil {
				return err
			}
			print(s, &item)
			if err := s.flow(); err != nil {
				return err
			}
		}
		_, err := d.Token() // ]
		return err
	}
}

func printStatus(s *screen, st api.Status) {
	ready := cell{"ready", green}
	if !st.Ready {
		ready = cell{"not ready: the first judgement of all registered prefixes is under way", yellow}
	}
	s.row("state", ready)
	s.row("version", st.Version)
	s.row("source", st.Source)
	s.row("running", fmt.Sprintf("%s, since %s", s.ago(st.StartedAt), when(st.StartedAt)))
	s.row("reloaded", when(st.ReloadedAt))
	if st.ReloadError != "" {
		s.row("refused", cell{"the latest reload: " + st.ReloadError, red})
	}
	s.row("peers", good(st.PeersUp == st.Peers, fmt.Sprintf("%d of %d established", st.PeersUp, st.Peers)))
	s.row("prefixes", fmt.Sprintf("%d registered", st.Prefixes))
	s.row("incidents", good(st.OpenIncidents == 0, fmt.Sprintf("%d open", st.OpenIncidents)))
	if quiet := quietText(st); quiet != "" {
		s.row("quiet", cell{quiet, yellow})
	}
	s.row("store", good(st.Store == "ok", st.Store))
	printFeeds(s, st.Feeds)
	printChannels(s, st.Channels)
	if st.RPKI != nil {
		printRPKI(s, *st.RPKI)
	}
	if st.Relationships != nil {
		s.row("relations", covered(*st.Relationships))
	}
}

// printRPKI tells what is in force of each kind, and what of the sources fails.
func printRPKI(s *screen, r api.RPKI) {
	s.row("vrps", s.validated(r.VRPs))
	s.row("aspas", s.validated(r.ASPAs))
	for _, err := range r.Errors {
		s.row("rpki", cell{err, red})
	}
}

func (s *screen) validated(d api.RPKIData) string {
	if d.Source == "" {
		return "none"
	}
	return fmt.Sprintf("%d of %s, %s ago", d.Records, d.Source, s.ago(d.At))
}

// covered says how far a file of relationships reaches.
func covered(r api.Relationships) string {
	if r.Pairs == 0 {
		return fmt.Sprintf("%d links in the file, no path seen yet", r.Links)
	}
	return fmt.Sprintf("%d of %d pairs of neighbours on the paths seen are in the file (%d %%)", r.Known, r.Pairs, 100*r.Known/r.Pairs)
}

// good paints what is as it should be green, and all else red.
func good(ok bool, text string) cell {
	if ok {
		return cell{text, green}
	}
	return cell{text, red}
}

func printPeers(s *screen, peers []api.Peer) {
	s.header("PEER", "ADDRESS", "AS", "RELATIONSHIP", "STATE", "FOR", "IPV4", "IPV6", "UPDATES", "LAST ERROR")
	for _, p := range peers {
		s.row(p.Name, p.Address, p.ASN, p.Relationship, good(p.State == "Established", p.State), s.ago(p.Since),
			held(p, "ipv4"), held(p, "ipv6"), p.Updates, lastError(p))
	}
}

// lastError is kept when the session is up again: it says when it was.
func lastError(p api.Peer) string {
	if p.LastError == "" || p.LastErrorAt.IsZero() {
		return p.LastError
	}
	return p.LastError + " (at " + when(p.LastErrorAt) + ")"
}

// held tells the routes of a family, and whether the neighbour has told all.
func held(p api.Peer, family string) cell {
	switch {
	case p.State != "Established" && p.Routes[family] == 0:
		return cell{}
	case p.State == "Established" && !p.Spoken[family]:
		return cell{"not spoken", yellow}
	case !p.InSync[family]:
		return cell{fmt.Sprintf("%d, not in sync", p.Routes[family]), yellow}
	}
	return cell{fmt.Sprint(p.Routes[family]), normal}
}

func printRoutes(s *screen, routes []api.Route) {
	s.header("PREFIX", "VANTAGE", "AS PATH", "ORIGIN", "NEXT HOP", "MED", "LOCAL PREF", "PATH ID", "FOR", "COMMUNITIES")
	for _, r := range routes {
		age := cell{s.ago(r.Since), normal}
		if r.Stale {
			age = cell{age.text + ", stale", yellow}
		}
		s.row(r.Prefix, r.Vantage, r.ASPath, r.Origin, address(r.NextHop), number(r.MED), number(r.LocalPref), r.PathID, age,
			strings.Join(r.Communities, " "))
	}
}

var prefixColumns = []string{"PREFIX", "CONNECTION", "ORIGINS", "VANTAGES", "STATE", "OPEN INCIDENTS", "REASONS"}

func printPrefix(s *screen, p *api.Prefix) {
	s.row(p.Prefix, p.Connection, strings.Trim(fmt.Sprint(p.Origins), "[]"), p.Vantages, standing(p.State),
		good(len(p.Incidents) == 0, someOf(p.Incidents, " ")), someOf(p.Reasons, "; "))
}

// someOf joins the first of a list, and counts the others: --json has all.
func someOf(list []string, separator string) string {
	const few = 3
	if len(list) <= few {
		return strings.Join(list, separator)
	}
	return fmt.Sprintf("%s%sand %d more", strings.Join(list[:few], separator), separator, len(list)-few)
}

// standing paints the state of a registration.
func standing(state string) cell {
	return cell{state, map[string]string{"verified": green, "pending": yellow, "warning": yellow, "failed": red, "invalid": red}[state]}
}

func printIncidents(s *screen, incidents []api.Incident) {
	s.header("INCIDENT", "SEVERITY", "TYPE", "STATUS", "STARTED", "ENDED", "SUMMARY")
	for i := range incidents {
		n := &incidents[i]
		s.row(n.Notice.Incident, severity(n.Severity), n.Type, string(n.Status), when(n.StartedAt), when(n.ResolvedAt), lifeNote(n)+n.Summary)
		for _, line := range n.Evidence.Lines() {
			s.row("    " + line) // alone in its row it stands in no column, and widens none
		}
	}
}

func printEvents(s *screen, events []api.Event) {
	s.header("TIME", "SEVERITY", "TYPE", "PREFIX", "PEER", "POP", "DETAIL")
	for _, e := range events {
		prefix := ""
		if e.Prefix.IsValid() {
			prefix = e.Prefix.String()
		}
		s.row(when(e.At), severity(e.Severity), e.Type, prefix, e.Peer, e.POP, e.Detail)
	}
}

// measures are the columns of figures.
var measures = []string{"SENT", "LOSS", "REFUSED", "UNREACHABLE", "MIN", "P50", "P95", "P99", "MAX", "JITTER"}

func figures(p api.Probe) []any {
	f := p.Figures
	loss := cell{fmt.Sprintf("%.1f%%", 100*f.Loss), normal}
	if f.Loss > 0 {
		loss.colour = yellow
	}
	return []any{f.Sent, loss, refusals(f), unreachable(p), millis(f.MinMS), millis(f.P50MS), millis(f.P95MS), millis(f.P99MS), millis(f.MaxMS), millis(f.JitterMS)}
}

// refusals are no loss, and are measured as answers are: where there is nothing else, all looks well, and no service is there.
func refusals(f api.Figures) cell {
	switch {
	case f.Refused == 0:
		return cell{}
	case f.Received+f.Late == 0:
		return cell{fmt.Sprintf("%d, all that answered", f.Refused), red}
	}
	return cell{fmt.Sprint(f.Refused), yellow}
}

// unreachable is the part of the loss that somebody on the way has told of.
func unreachable(p api.Probe) cell {
	switch {
	case p.Unreachable == 0:
		return cell{}
	case p.Offender == "":
		return cell{fmt.Sprint(p.Unreachable), yellow}
	}
	return cell{fmt.Sprintf("%d, latest by %s", p.Unreachable, p.Offender), yellow}
}

func printPOPs(s *screen, pops []api.POP) {
	s.header(append(append([]string{"POP", "SERVICE", "CITY", "NEAREST", "METHOD", "ADDRESS", "SOURCE", "LAST"}, measures...), "DISTANCE", "HINTS")...)
	for _, p := range pops {
		nearest := ""
		if p.Nearest {
			nearest = "yes"
		}
		if len(p.Probes) == 0 {
			s.row(p.Name, p.Service, p.City, nearest, cell{"not probed yet", yellow})
		}
		for _, probe := range p.Probes {
			row := append([]any{p.Name, p.Service, p.City, nearest, probe.Method, probe.Address, probe.Source, latest(probe.LastAt, probe.LastMS)}, figures(probe)...)
			s.row(append(row, kilometres(p.DistanceKM), cell{strings.Join(p.Hints, "; "), yellow})...)
		}
	}
}

func printLatency(s *screen, measured []api.Latency) {
	s.header(append([]string{"POP", "METHOD", "ADDRESS", "SOURCE", "SINCE", "LAST"}, measures...)...)
	for _, m := range measured {
		since := ""
		if len(m.Points) > 0 {
			since = when(m.Points[0].At)
		}
		s.row(append([]any{m.POP, m.Method, m.Address, m.Source, since, latest(m.LastAt, m.LastMS)}, figures(m.Probe)...)...)
	}
}

func printTransits(s *screen, transits []api.Transit) {
	s.header("AS", "COST", "POPS", "BATCHES WITH", "WITHOUT")
	for _, t := range transits {
		s.row(t.ASN, fmt.Sprintf("%+.1f ms", t.CostMS), strings.Join(t.POPs, ", "), t.With, t.Without)
	}
}

// latest is what the last batch measured: the other figures still look well when nothing answers any more.
func latest(at notice.Time, ms *float64) cell {
	if !at.IsZero() && ms == nil {
		return cell{"no answer", red}
	}
	return cell{millis(ms), normal}
}

func millis(ms *float64) string {
	if ms == nil {
		return ""
	}
	return fmt.Sprintf("%.2f ms", *ms)
}

func kilometres(km *float64) string {
	if km == nil {
		return ""
	}
	return fmt.Sprintf("%.0f km", *km)
}

func number(n *uint32) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
