package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"peervane/daemon/api"
	"peervane/daemon/notice"
)

// demoShow shows what the daemon makes of a scene, as its API, its webhooks and its log have it.
type demoShow func(context.Context, *demoPlayer) error

// showRegistered shows what the configuration asks for.
func showRegistered(_ context.Context, p *demoPlayer) error {
	var rows [][]string
	for _, r := range p.daemon.cfg.Prefixes {
		origin := r.Policy.Origins[0]
		rows = append(rows, []string{r.Prefix.String(), fmt.Sprintf("origin AS%d", origin), nameOf(origin)})
	}
	p.page.table(inkBold, "watched", rows)
	return nil
}

// showSessions waits until every session is up and in sync.
func showSessions(ctx context.Context, p *demoPlayer) error {
	var peers []api.Peer
	err := p.until(ctx, "the sessions are not all up", func() (bool, error) {
		err := p.daemon.get(ctx, "/api/v1/peers", &peers)
		ready := len(peers) > 0
		for _, peer := range peers {
			ready = ready && peer.State == "Established" && peer.InSync["ipv4"] && peer.Routes["ipv4"] > 0
		}
		return ready, err
	})
	var rows [][]string
	for _, peer := range peers {
		rows = append(rows, []string{peer.Name, fmt.Sprintf("AS%d", peer.ASN), peer.Address.String(), peer.State + ", in sync", count(peer.Routes["ipv4"], "route")})
	}
	p.page.table(inkBold, "sessions", rows)
	return err
}

// showPOP waits for the first probes, where there are any.
func showPOP(ctx context.Context, p *demoPlayer) error {
	if !p.stage.measures() {
		return nil
	}
	probe, err := p.probed(ctx, time.Time{})
	if err != nil {
		return err
	}
	p.page.table(inkBold, "probes", [][]string{{
		"par1", probe.Address.String(), fmt.Sprintf("%.1f ms", *probe.LastMS),
		fmt.Sprintf("%s echo, %d of %d answered", strings.ToUpper(probe.Method), probe.Received, probe.Sent),
	}})
	return nil
}

// probed waits for a batch that began after a moment, and gives what is measured of the POP.
func (p *demoPlayer) probed(ctx context.Context, after time.Time) (probe api.Probe, err error) {
	err = p.until(ctx, "nothing was measured", func() (bool, error) {
		var pops []api.POP
		err := p.daemon.get(ctx, "/api/v1/pops", &pops)
		for _, pop := range pops {
			for _, probe = range pop.Probes {
				if probe.LastMS != nil && probe.LastAt.After(after) {
					return true, nil
				}
			}
		}
		return false, err
	})
	return probe, err
}

// The values of a notice that are shown, each path written as jq does.
var (
	webhookExcerpt = []string{
		".incident", ".status", ".type", ".severity", ".prefix", ".offending_prefix", ".culprit_asn",
		".evidence.routes[0].as_path", ".evidence.latency.before_ms",
	}
	proofExcerpt = []string{
		".evidence.methods", ".evidence.leak_type", ".evidence.also", ".evidence.previous[0].as_path", ".evidence.routes[0].as_path",
	}
)

// showWebhook shows the alert of the scene that fired first, as it came over the wire.
func showWebhook(_ context.Context, p *demoPlayer) error {
	a := p.first(fires)
	var rows [][]string
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		rows = append(rows, []string{name, a.header.Get(name)})
	}
	some, err := a.excerpt(webhookExcerpt)
	if err != nil {
		return err
	}
	p.page.gap()
	p.page.row(inkBold, "webhook", inkPlain, fmt.Sprintf("%s /peervane, %d bytes, signature verified; some of it:", http.MethodPost, len(a.body)))
	p.page.table(inkPlain, "", append(rows, some...))
	return nil
}

// showProof shows what the alert of the scene that fired first says in proof.
func showProof(_ context.Context, p *demoPlayer) error {
	rows, err := p.first(fires).excerpt(proofExcerpt)
	p.page.gap()
	p.page.table(inkBold, "proof", rows)
	return err
}

// excerpt gives some of the values of an alert, each beside its path.
func (a *demoArrival) excerpt(paths []string) (rows [][]string, err error) {
	var body any
	if err := json.Unmarshal(a.body, &body); err != nil {
		return nil, err
	}
	for _, path := range paths {
		if value, ok := lookUp(body, path); ok {
			rows = append(rows, []string{path, value})
		}
	}
	return rows, nil
}

// lookUp finds a value by its path, ".evidence.routes[0].as_path", and gives its JSON.
func lookUp(value any, path string) (string, bool) {
	for _, key := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		switch v := value.(type) {
		case map[string]any:
			value = v[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(v) {
				return "", false
			}
			value = v[i]
		default:
			return "", false
		}
	}
	text, err := json.Marshal(value)
	return string(text), err == nil && value != nil
}

// showLog shows the line that the log has of the same.
func showLog(_ context.Context, p *demoPlayer) error {
	line, err := p.daemon.logLine(`"delivery":"` + p.first(fires).notice.Delivery + `"`)
	p.page.gap()
	p.page.verbatim(inkBold, "log", inkPlain, line, 3)
	return err
}

// showRoutes shows what the daemon holds of the prefix in dispute, and whose each route is.
func showRoutes(ctx context.Context, p *demoPlayer) error {
	routes, err := p.daemon.routes(ctx, youtube24)
	slices.SortFunc(routes, func(a, b api.Route) int {
		return cmp.Or(a.Prefix.Compare(b.Prefix), strings.Compare(a.Vantage, b.Vantage))
	})
	var rows [][]string
	for _, r := range routes {
		rows = append(rows, []string{r.Vantage, r.Prefix.String(), r.ASPath, nameOf(lastASN(r.ASPath))})
	}
	p.page.gap()
	label := "table"
	for i, line := range align(rows) {
		as := inkPlain
		if lastASN(routes[i].ASPath) != youtubeASN {
			as = inkRed
		}
		p.page.exact(inkBold, label, as, line)
		label = ""
	}
	return err
}

// lastASN is the origin of a path that ends in no set.
func lastASN(path string) uint32 {
	asn, _ := strconv.ParseUint(path[strings.LastIndexByte(path, ' ')+1:], 10, 32)
	return uint32(asn)
}

// showOpen shows which incidents stand, once the daemon's API knows of the scene and says the same as its alerts.
func showOpen(ctx context.Context, p *demoPlayer) error {
	var open []notice.Notice
	err := p.until(ctx, "the API and the alerts do not agree on what is open", func() (bool, error) {
		var status api.Status
		err := errors.Join(p.daemon.get(ctx, "/api/v1/status", &status), p.daemon.get(ctx, "/api/v1/incidents", &open))
		return status.At.After(p.settled) && len(open) == len(p.open), err
	})
	p.page.gap()
	for _, n := range open {
		p.page.row(inkBold, "open", inkPlain, fmt.Sprintf("%s of %s by AS%d (%s), at %s", n.Type, n.Offending, n.CulpritASN,
			nameOf(n.CulpritASN), witnesses(&n)))
	}
	if len(open) == 0 {
		p.page.row(inkBold, "open", inkPlain, "no incident")
	}
	return err
}

// witnesses names the vantages that show a bad route.
func witnesses(n *notice.Notice) string {
	var names []string
	for _, r := range n.Evidence.Routes {
		names = append(names, r.Vantage)
	}
	return strings.Join(names, ", ")
}

// showCost draws what the change of a path did to the latency, as the alert tells it.
func showCost(_ context.Context, p *demoPlayer) error {
	if !p.stage.measures() {
		return nil
	}
	a := p.first(measured)
	if a == nil {
		return errors.New("no alert tells what the change did to the latency")
	}
	l := a.notice.Evidence.Latency
	p.page.gap()
	p.page.bars("to "+l.POP, []demoFigure{{"before", *l.BeforeMS, inkGreen}, {"after", *l.AfterMS, inkRed}})
	return nil
}

// showNow draws the latency as it is now, when all is quiet again, beside what the alert of the end tells of it.
func showNow(ctx context.Context, p *demoPlayer) error {
	if !p.stage.measures() {
		return nil
	}
	probe, err := p.probed(ctx, time.Now())
	if err != nil {
		return err
	}
	var figures []demoFigure
	if a := p.first(measured); a != nil {
		figures = append(figures, demoFigure{"was", *a.notice.Evidence.Latency.AfterMS, inkRed})
	}
	p.page.gap()
	p.page.bars("to par1", append(figures, demoFigure{"now", *probe.LastMS, inkGreen}))
	return nil
}

// first finds an alert of the scene; nil: there is none.
func (p *demoPlayer) first(is func(*notice.Notice) bool) *demoArrival {
	for i := range p.scene {
		if is(&p.scene[i].notice) {
			return &p.scene[i]
		}
	}
	return nil
}

func fires(n *notice.Notice) bool { return n.Status == notice.Firing }

func measured(n *notice.Notice) bool {
	l := n.Evidence.Latency
	return l != nil && l.BeforeMS != nil && l.AfterMS != nil
}
