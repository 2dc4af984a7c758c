package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"peervane/config"
)

const defaultHTTP = "127.0.0.1:9479"

// view is a command that asks the running daemon for one page of its API, and prints it.
type view struct {
	use, short string
	page       string
	argument   string // the parameter that the argument becomes; "": there is none
	optional   bool   // the argument may be missing
	options    []option
	none       string // what is said of an empty list
	print      func(*screen, io.Reader) error
}

// option is a flag that is handed on as a parameter.
type option struct{ name, value, usage string }

// asking makes the command of a view.
func asking(v *view) func(*env) *cobra.Command {
	return func(e *env) *cobra.Command {
		var where daemonAddress
		var asJSON bool
		c := &cobra.Command{
			Use: v.use + " [-c FILE | --http ADDRESS] [--json]", Short: v.short, Args: v.arguments(),
			RunE: func(c *cobra.Command, args []string) error {
				base, err := where.base(c)
				if err != nil {
					return err
				}
				answer, err := inquire(c.Context(), base+"/api/v1/"+v.page+v.query(c, args))
				if refused := new(refused); errors.As(err, refused) {
					return usage(c, err)
				}
				if err != nil {
					return err
				}
				defer answer.Close()
				if asJSON {
					_, err := io.Copy(e.stdout, answer)
					return err
				}
				return v.show(e, answer)
			},
		}
		where.flags(c)
		c.Flags().BoolVar(&asJSON, "json", false, "print what the daemon answers, as it is")
		for _, o := range v.options {
			c.Flags().String(o.name, o.value, o.usage)
		}
		return c
	}
}

func (v *view) arguments() cobra.PositionalArgs {
	switch {
	case v.argument == "":
		return cobra.NoArgs
	case v.optional:
		return cobra.MaximumNArgs(1)
	}
	return cobra.ExactArgs(1)
}

func (v *view) query(c *cobra.Command, args []string) string {
	q := url.Values{}
	if len(args) > 0 {
		q.Set(v.argument, args[0])
	}
	for _, o := range v.options {
		if value := c.Flag(o.name).Value.String(); value != "" {
			q.Set(o.name, value)
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func (v *view) show(e *env, answer io.Reader) error {
	s := newScreen(e.stdout, time.Now())
	if err := v.print(s, answer); err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	if s.empty() {
		return writeAll(e.stderr, []byte(v.none+"\n"))
	}
	return s.flush()
}

// eachOnItsLine is why a configuration cannot be used, each problem on its line.
func eachOnItsLine(problems []config.Problem) string {
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

func writeAll(w io.Writer, b []byte) error {
	_, err := w.Write(b)
	return err
}

// daemonAddress says where the daemon is asked.
type daemonAddress struct{ http, config string }

func (a *daemonAddress) flags(c *cobra.Command) {
	c.Flags().StringVar(&a.http, "http", "", "the daemon's `address` for HTTP (default "+defaultHTTP+")")
	c.Flags().StringVarP(&a.config, "config", "c", "", "ask where this configuration `file` says, in daemon.http")
	c.MarkFlagsMutuallyExclusive("http", "config")
}

// base is the address as a URL.
func (a *daemonAddress) base(c *cobra.Command) (string, error) {
	if a.config == "" {
		address := cmp.Or(a.http, defaultHTTP)
		if strings.Contains(address, "://") {
			return strings.TrimSuffix(address, "/"), nil
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			return "", usage(c, fmt.Errorf("--http %q: give an address and a port, such as %s", address, defaultHTTP))
		}
		return "http://" + address, nil
	}
	at, problems := config.Reach(a.config)
	if config.Refused(problems) {
		return "", exit{exitConfig, fmt.Errorf("%s\nSee 'peervane check -c %s'; a daemon that runs with what the file said before is reached with --http", eachOnItsLine(problems), a.config)}
	}
	if !at.HTTP.IsValid() {
		return "", fmt.Errorf("%s has no daemon.http: the daemon cannot be asked", a.config)
	}
	return "http://" + at.HTTP.String(), nil
}
