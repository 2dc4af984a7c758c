package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"peervane/daemon/api"
)

func deadletterCommand(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "deadletter list|replay|drop",
		Short: "Show, send again or forget what could not be delivered",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return usage(c, fmt.Errorf("say what to do: %s", c.Use))
		},
	}
	c.AddCommand(
		failing(deadletterList(e)),
		failing(deadletterChange(e, "replay", "Put dead letters into the outbox again")),
		failing(deadletterChange(e, "drop", "Forget dead letters")),
	)
	return c
}

// letterFlags say which dead letters are meant.
type letterFlags struct{ socket, channel, incident, typ string }

func (f *letterFlags) flags(c *cobra.Command) {
	socketFlag(c, &f.socket)
	c.Flags().StringVar(&f.channel, "channel", "", "only those for this `channel`")
	c.Flags().StringVar(&f.incident, "incident", "", "only those about this `incident`")
	c.Flags().StringVar(&f.typ, "type", "", "only those of this `type` of incident")
}

func (f *letterFlags) query(ids []string) url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"channel": f.channel, "incident": f.incident, "type": f.typ} {
		if value != "" {
			q.Set(name, value)
		}
	}
	q["id"] = ids
	return q
}

func deadletterList(e *env) *cobra.Command {
	var f letterFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "list [NUMBER…] [--channel CHANNEL] [--incident ID] [--type TYPE] [--json] [-c FILE | --socket SOCKET]",
		Short: "Show the dead letters, oldest first",
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			var answer bytes.Buffer
			if err := controlTo(c.Context(), &answer, f.socket, "/deadletter/list?"+f.query(args).Encode()); err != nil {
				return err
			}
			if asJSON {
				return writeAll(e.stdout, answer.Bytes())
			}
			none := "no dead letters\n"
			if len(args)+len(f.channel)+len(f.incident)+len(f.typ) > 0 {
				none = "no such dead letters\n"
			}
			return showLetters(e, answer.Bytes(), none)
		},
	}
	f.flags(c)
	jsonFlag(c, &asJSON)
	return c
}

func showLetters(e *env, body []byte, none string) error {
	var letters []api.DeadLetter
	if err := json.Unmarshal(body, &letters); err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	s := newScreen(e.stdout, time.Now())
	s.header("NUMBER", "CHANNEL", "TYPE", "STATUS", "SEVERITY", "CREATED", "ATTEMPTS", "ERROR", "SUMMARY")
	for _, l := range letters {
		s.row(l.Number, l.Channel, l.Type, l.Status, severity(l.Severity), when(l.CreatedAt), l.Attempts, l.Error, l.Summary)
	}
	if s.empty() {
		return writeAll(e.stderr, []byte(none))
	}
	return s.flush()
}

func deadletterChange(e *env, what, short string) *cobra.Command {
	var f letterFlags
	var all, asJSON bool
	c := &cobra.Command{
		Use:   what + " NUMBER… | --channel CHANNEL | --incident ID | --type TYPE | --all [--json] [-c FILE | --socket SOCKET]",
		Short: short,
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			q := f.query(args)
			if all {
				q.Set("all", "yes")
			}
			if len(args) == 0 && len(q) == 1 {
				return usage(c, fmt.Errorf("say which dead letters: the command is 'deadletter %s'", c.Use))
			}
			answer, err := control(c.Context(), f.socket, "/deadletter/"+what+"?"+orJSON(q, asJSON).Encode())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(e.stdout, answer)
			return err
		},
	}
	f.flags(c)
	c.Flags().BoolVar(&all, "all", false, "all of them")
	jsonFlag(c, &asJSON)
	return c
}
