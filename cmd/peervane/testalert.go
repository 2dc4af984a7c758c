package main

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"
)

func testAlertCommand(e *env) *cobra.Command {
	var socket string
	var asJSON bool
	c := &cobra.Command{
		Use:   "test-alert CHANNEL [--json] [-c FILE | --socket SOCKET]",
		Short: "Send a test notice through a channel of the running daemon, and its end",
		Long: "Send a notice of type test through a channel of the running daemon, the way of all others: outbox, signature,\n" +
			"sending; and then its end, so that nothing stays open. It is tried once. Prints what came of it; exit 0 when it was delivered.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			answer, err := control(c.Context(), socket, "/test-alert?"+orJSON(url.Values{"channel": args}, asJSON).Encode())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(e.stdout, answer)
			return err
		},
	}
	socketFlag(c, &socket)
	jsonFlag(c, &asJSON)
	return c
}
