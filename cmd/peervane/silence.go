package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"peervane/daemon/api"
)

const silenceLong = `A silence holds back what is told of the incidents that it matches, until it ends; their ends are told all the same to
those who were told of them before. What still stands when the silence ends is told then. Matchers are written KEY=VALUE,
or KEY=VALUE,VALUE for any of several; all of them must match. Keys: type, severity, prefix (matches what is inside, too),
connection, peer, pop, culprit (an ASN), incident, label.NAME.`

func silenceCommand(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "silence add|list|remove",
		Short: "Hold back what is told of some incidents for a while",
		Long:  silenceLong,
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return usage(c, fmt.Errorf("say what to do: %s", c.Use))
		},
	}
	c.AddCommand(failing(silenceAdd(e)), failing(silenceList(e)), failing(silenceRemove(e)))
	return c
}

// silenceFlags say for how long, and why.
type silenceFlags struct {
	socket, by, why, until string
	span                   time.Duration
	all, asJSON            bool
}

func silenceAdd(e *env) *cobra.Command {
	var f silenceFlags
	c := &cobra.Command{
		Use:   "add MATCHER… --for SPAN | --until TIME --why TEXT [--by NAME] [--all] [--json] [-c FILE | --socket SOCKET]",
		Short: "Begin a silence",
		Long:  silenceLong,
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, matchers []string) error {
			request, err := f.request(matchers, time.Now())
			if err != nil {
				return usage(c, err)
			}
			var answer bytes.Buffer
			if err := controlWith(c.Context(), &answer, f.socket, "/silence/add", bytes.NewReader(request)); err != nil {
				return err
			}
			if f.asJSON {
				return writeAll(e.stdout, answer.Bytes())
			}
			var s api.Silence
			if err := json.Unmarshal(answer.Bytes(), &s); err != nil {
				return fmt.Errorf("the daemon's answer: %w", err)
			}
			_, err = fmt.Fprintf(e.stdout, "silence %s until %s: %s; it holds back %s\n", s.ID, when(s.Until), matchersOf(s), incidentsOf(s.Incidents))
			return err
		},
	}
	socketFlag(c, &f.socket)
	c.Flags().Var((*spanFlag)(&f.span), "for", "a `span` such as 90m, 2h or 1d12h")
	c.Flags().StringVar(&f.until, "until", "", "until this `time`, such as 2026-11-22T12:00:00Z")
	c.Flags().StringVar(&f.why, "why", "", "the `reason`, for those who come upon it")
	byFlag(c, &f.by)
	c.Flags().BoolVar(&f.all, "all", false, "without a matcher: hold back everything")
	jsonFlag(c, &f.asJSON)
	c.MarkFlagsMutuallyExclusive("for", "until")
	return c
}

func (f *silenceFlags) request(matchers []string, now time.Time) ([]byte, error) {
	until := now.Add(f.span)
	switch {
	case f.until != "":
		at, err := time.Parse(time.RFC3339, f.until)
		if err != nil {
			return nil, fmt.Errorf("--until %q: give a time such as 2026-11-22T12:00:00Z", f.until)
		}
		until = at
	case f.span <= 0:
		return nil, errors.New("say how long: --for 2h, or --until 2026-11-22T12:00:00Z")
	}
	switch {
	case strings.TrimSpace(f.why) == "":
		return nil, errors.New("say why: --why \"fibre work in Paris\"")
	case len(matchers) == 0 && !f.all:
		return nil, errors.New("say which incidents, such as prefix=203.0.113.0/24 or type=session_down peer=edge1-v4; --all holds back everything")
	case len(matchers) > 0 && f.all:
		return nil, errors.New("--all is for a silence without matchers")
	}
	return json.Marshal(struct {
		Matchers []string  `json:"matchers"`
		Until    time.Time `json:"until"`
		By       string    `json:"by"`
		Why      string    `json:"why"`
	}{matchers, until.UTC().Truncate(time.Second), f.by, f.why})
}

func byFlag(c *cobra.Command, by *string) {
	c.Flags().StringVar(by, "by", whoami(), "`who` does it")
}

// whoami is who types the command, as far as the host knows.
func whoami() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}

func jsonFlag(c *cobra.Command, asJSON *bool) {
	c.Flags().BoolVar(asJSON, "json", false, "print what the daemon answers, as it is")
}

// orJSON asks for an answer that is not meant for a person.
func orJSON(q url.Values, asJSON bool) url.Values {
	if asJSON {
		q.Set("json", "yes")
	}
	return q
}

func matchersOf(s api.Silence) string {
	if len(s.Matchers) == 0 {
		return "everything"
	}
	return strings.Join(s.Matchers, " ")
}

func incidentsOf(n int) string {
	switch n {
	case 0:
		return "no incident that is open now"
	case 1:
		return "1 incident that is open now"
	}
	return fmt.Sprintf("%d incidents that are open now", n)
}

func silenceList(e *env) *cobra.Command {
	var socket string
	var asJSON bool
	c := &cobra.Command{
		Use:   "list [--json] [-c FILE | --socket SOCKET]",
		Short: "Show the silences that hold",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var answer bytes.Buffer
			if err := controlTo(c.Context(), &answer, socket, "/silence/list"); err != nil {
				return err
			}
			if asJSON {
				return writeAll(e.stdout, answer.Bytes())
			}
			return showSilences(e, answer.Bytes())
		},
	}
	socketFlag(c, &socket)
	jsonFlag(c, &asJSON)
	return c
}

func showSilences(e *env, body []byte) error {
	var silences []api.Silence
	if err := json.Unmarshal(body, &silences); err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	s := newScreen(e.stdout, time.Now())
	s.header("SILENCE", "UNTIL", "BY", "OPEN INCIDENTS", "MATCHES", "WHY")
	for _, one := range silences {
		s.row(one.ID, when(one.Until), one.By, one.Incidents, matchersOf(one), one.Why)
	}
	if s.empty() {
		return writeAll(e.stderr, []byte("no silences\n"))
	}
	return s.flush()
}

func silenceRemove(e *env) *cobra.Command {
	var socket, by string
	var asJSON bool
	c := &cobra.Command{
		Use:   "remove ID [--by NAME] [--json] [-c FILE | --socket SOCKET]",
		Short: "End a silence before its time",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			answer, err := control(c.Context(), socket, "/silence/remove?"+url.Values{"id": args, "by": {by}}.Encode())
			if err != nil {
				return err
			}
			if !asJSON {
				answer = "silence " + args[0] + " removed"
			}
			_, err = fmt.Fprintln(e.stdout, answer)
			return err
		},
	}
	socketFlag(c, &socket)
	byFlag(c, &by)
	jsonFlag(c, &asJSON)
	return c
}
