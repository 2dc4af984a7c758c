package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

func reloadCommand(e *env) *cobra.Command {
	var socket string
	var asJSON bool
	c := &cobra.Command{
		Use:   "reload [--json] [-c FILE | --socket SOCKET]",
		Short: "Have the running daemon read its configuration again",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			answer, err := control(c.Context(), socket, "/reload?"+orJSON(url.Values{}, asJSON).Encode())
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

// control asks the daemon to do something, and gives its answer.
func control(ctx context.Context, socket, path string) (string, error) {
	var answer strings.Builder
	err := controlTo(ctx, &answer, socket, path)
	return strings.TrimSpace(answer.String()), err
}

// controlTo asks the daemon to do something, and copies its answer.
func controlTo(ctx context.Context, to io.Writer, socket, path string) error {
	return controlWith(ctx, to, socket, path, nil)
}

// controlWith hands over a body, too.
func controlWith(ctx context.Context, to io.Writer, socket, path string, body io.Reader) error {
	return controlAnswer(ctx, socket, path, body, func(answer *http.Response) error {
		if _, err := io.Copy(to, answer.Body); err != nil {
			return fmt.Errorf("read the answer at %s: %w", socket, err)
		}
		return nil
	})
}

// controlAnswer has the answer read while it comes.
func controlAnswer(ctx context.Context, socket, path string, body io.Reader, read func(*http.Response) error) error {
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
	}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://peervane"+path, body)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		ask := "is it running, and may this user talk to it?"
		if errors.Is(err, fs.ErrNotExist) {
			ask = "is it running? Give -c FILE as it was given to 'peervane run', or --socket"
		}
		return fmt.Errorf("no daemon answers at %s: %w: %s", socket, reason(err), ask)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return read(resp)
	}
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the answer at %s: %w", socket, err)
	}
	refused := errors.New(strings.TrimSpace(string(said)))
	switch resp.StatusCode {
	case http.StatusConflict: // the configuration is at fault
		return exit{exitConfig, refused}
	case http.StatusBadRequest:
		return exit{exitUsage, refused}
	}
	return refused
}
