package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"peervane/daemon/api"
)

func revalidateCommand(e *env) *cobra.Command {
	var socket string
	var asJSON bool
	c := &cobra.Command{
		Use:   "revalidate PREFIX [--json] [-c FILE | --socket SOCKET]",
		Short: "Judge a registered prefix anew, and ask the routers for their routes again",
		Long: "Judge a registered prefix anew, and show its state. The routers of its connection are asked to send the routes of its\n" +
			"family again (RFC 2918), at most once a minute; what they answer is judged as it comes.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var answer bytes.Buffer
			if err := controlTo(c.Context(), &answer, socket, "/revalidate?prefix="+url.QueryEscape(args[0])); err != nil {
				return err
			}
			if asJSON {
				return writeAll(e.stdout, answer.Bytes())
			}
			var told api.Revalidated
			if err := json.Unmarshal(answer.Bytes(), &told); err != nil {
				return fmt.Errorf("the daemon's answer: %w", err)
			}
			s := newScreen(e.stdout, time.Now())
			s.header(prefixColumns...)
			printPrefix(s, &told.Prefix)
			if err := s.flush(); err != nil {
				return err
			}
			asked := "no router was asked again: none is up that supports it, or all were asked within the last minute"
			if len(told.Asked) > 0 {
				asked = "asked again: " + strings.Join(told.Asked, ", ")
			}
			_, err := fmt.Fprintln(e.stderr, asked)
			return err
		},
	}
	socketFlag(c, &socket)
	jsonFlag(c, &asJSON)
	return c
}
