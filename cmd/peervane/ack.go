package main

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"
)

func ackCommand(e *env) *cobra.Command {
	var socket, by, comment string
	var asJSON bool
	c := &cobra.Command{
		Use:   "ack ID [--comment TEXT] [--by NAME] [--json] [-c FILE | --socket SOCKET]",
		Short: "Say that somebody works at an incident",
		Long: "Say that somebody works at an incident. Those who were told of it are told so; from then on they are told only that it\n" +
			"became graver, and its end.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			answer, err := control(c.Context(), socket, "/ack?"+url.Values{"id": args, "by": {by}, "comment": {comment}}.Encode())
			if err != nil {
				return err
			}
			if !asJSON {
				answer = fmt.Sprintf("incident %s acknowledged by %s", args[0], by)
			}
			_, err = fmt.Fprintln(e.stdout, answer)
			return err
		},
	}
	socketFlag(c, &socket)
	byFlag(c, &by)
	c.Flags().StringVar(&comment, "comment", "", "a `text`: what is done about it")
	jsonFlag(c, &asJSON)
	return c
}
