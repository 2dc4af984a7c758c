package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"peervane/config"
)

// beginning is what a first configuration is made of: as it was typed, since the configuration says best what is wrong with it.
type beginning struct {
	ASN, RouterID string
	Peers         []firstPeer
	Prefixes      []firstPrefix
	POPs          []firstPOP
	Webhook       string
}

type firstPeer struct{ Name, Address, ASN, Relationship string }

type firstPrefix struct {
	Prefix  string
	Origins []string
}

type firstPOP struct {
	Name, Address string
	TCP           []string
}

func initCommand(e *env) *cobra.Command {
	var b beginning
	var out string
	var peers, prefixes, pops []string
	c := &cobra.Command{
		Use:   "init [-o FILE] [--asn N --router-id A --peer P... --prefix P...] [--pop P]... [--webhook URL]",
		Short: "Write a first, commented configuration",
		Long: `Init writes a first, commented configuration: from its flags, or, on a terminal, from the answers to a few questions where a flag
is missing. It writes no file that is there already, and none that 'peervane check' would refuse.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := b.take(peers, prefixes, pops); err != nil {
				return usage(c, err)
			}
			if missing := b.missing(); len(missing) > 0 {
				if !term.IsTerminal(int(os.Stdin.Fd())) {
					return usage(c, fmt.Errorf("%s: missing, and stdin is no terminal on which to ask", strings.Join(missing, ", ")))
				}
				if err := b.wrong(); err != nil {
					return usage(c, err) // no answer would mend it
				}
				if err := b.ask(newQuestions(os.Stdin, e.stderr)); err != nil {
					return err
				}
			}
			return e.begin(c, &b, out)
		},
	}
	f := c.Flags()
	f.StringVarP(&out, "out", "o", "peervane.toml", "the `file` to write, - for stdout")
	f.StringVar(&b.ASN, "asn", "", "our `ASN`")
	f.StringVar(&b.RouterID, "router-id", "", "our BGP identifier: an IPv4 `address` of this host")
	f.StringArrayVar(&peers, "peer", nil, "an edge `router`, as edge1=192.0.2.1,64500,provider: its name, address, ASN and what it is to us; may be repeated")
	f.StringArrayVar(&prefixes, "prefix", nil, "a `prefix` to watch, as 203.0.113.0/24=64496: with its origins; may be repeated")
	f.StringArrayVar(&pops, "pop", nil, "a `POP` to probe, as par1=198.51.100.1,443: its name, address and TCP ports; may be repeated")
	f.StringVar(&b.Webhook, "webhook", "", "the `URL` to which notices go")
	return c
}

// take reads the flags that hold several values.
func (b *beginning) take(peers, prefixes, pops []string) error {
	for _, text := range peers {
		name, rest, ok := strings.Cut(text, "=")
		parts := strings.Split(rest, ",")
		if !ok || len(parts) < 2 || len(parts) > 3 {
			return fmt.Errorf("--peer %q: write it as edge1=192.0.2.1,64500,provider", text)
		}
		b.Peers = append(b.Peers, firstPeer{name, parts[0], parts[1], strings.Join(parts[2:], "")})
	}
	for _, text := range prefixes {
		prefix, origins, ok := strings.Cut(text, "=")
		if !ok {
			return fmt.Errorf("--prefix %q: write it as 203.0.113.0/24=64496", text)
		}
		b.Prefixes = append(b.Prefixes, firstPrefix{prefix, strings.Split(origins, ",")})
	}
	for _, text := range pops {
		name, rest, ok := strings.Cut(text, "=")
		if !ok {
			return fmt.Errorf("--pop %q: write it as par1=198.51.100.1,443", text)
		}
		parts := strings.Split(rest, ",")
		b.POPs = append(b.POPs, firstPOP{name, parts[0], parts[1:]})
	}
	return nil
}

// missing names the flags without which there is no configuration.
func (b *beginning) missing() (flags []string) {
	for _, f := range [...]struct {
		name string
		set  bool
	}{{"--asn", b.ASN != ""}, {"--router-id", b.RouterID != ""}, {"--peer", len(b.Peers) > 0}, {"--prefix", len(b.Prefixes) > 0}} {
		if !f.set {
			flags = append(flags, f.name)
		}
	}
	return flags
}

// begin writes the configuration, if it is right.
func (e *env) begin(c *cobra.Command, b *beginning, out string) error {
	text, err := b.text()
	if err != nil {
		return err
	}
	cfg, problems, err := tryOut(text)
	if err != nil {
		return err
	}
	if err := errorsIn(problems); err != nil {
		return usage(c, err)
	}
	if out == "-" {
		return writeAll(e.stdout, text)
	}
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: move it, or give another file with -o", out)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	for _, p := range problems {
		p.File = out
		fmt.Fprintln(e.stderr, p)
	}
	_, err = fmt.Fprintf(e.stdout, "%s: %s\nNext: let each router send us its routes (README.md, for BIRD and FRR), then 'peervane check -c %s --host' and 'peervane run -c %s'\n",
		out, inventory(cfg), out, out)
	return err
}

// errorsIn says why a configuration cannot be used; nil when it can.
func errorsIn(problems []config.Problem) error {
	var wrong []error
	for _, p := range problems {
		if p.Severity == config.Error {
			wrong = append(wrong, errors.New(p.Text))
		}
	}
	return errors.Join(wrong...)
}

// tryOut reads a configuration as check does. No place in it is told: the file is not there for anybody to look.
func tryOut(text []byte) (*config.Config, []config.Problem, error) {
	dir, err := os.MkdirTemp("", "peervane-init-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "peervane.toml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, nil, err
	}
	cfg, problems := config.Load(nil, file)
	place := regexp.MustCompile(" at " + regexp.QuoteMeta(file) + `:\d+:\d+`)
	for i := range problems {
		problems[i].Text = place.ReplaceAllString(problems[i].Text, "")
	}
	return cfg, problems, nil
}
