package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"peervane/config"
	"peervane/daemon"
)

// defaultConfig is where the packages put the configuration.
const defaultConfig = "/etc/peervane/peervane.toml"

func checkCommand(e *env) *cobra.Command {
	var file string
	var host bool
	c := &cobra.Command{
		Use:   "check [-c FILE] [--host]",
		Short: "Validate the configuration, and look at the host",
		Long: `Check validates a configuration. With --host it also looks whether this host has what the daemon would need: free ports, ping
sockets, a state folder that can be written, a clock that is kept right, routers that accept a connection. Run it as the daemon's user.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, problems := daemon.CheckLoader().Load(file)
			if err := complain(e, cfg, problems); err != nil {
				return err
			}
			_, err := fmt.Fprintf(e.stdout, "%s: good: %s\n", file, inventory(cfg))
			if err == nil && host {
				err = lookAtHost(c.Context(), e, cfg)
			}
			return err
		},
	}
	configFlag(c, &file)
	c.Flags().BoolVar(&host, "host", false, "look at ports, ping sockets, the state folder, the clock and the routers, too")
	return c
}

func configFlag(c *cobra.Command, file *string) {
	c.Flags().StringVarP(file, "config", "c", defaultConfig, "the configuration `file`")
}

// complain prints every problem of a configuration, each on its own line, and says whether it cannot be used.
func complain(e *env, cfg *config.Config, problems []config.Problem) error {
	for _, p := range problems {
		fmt.Fprintln(e.stderr, p)
	}
	if config.Refused(problems) {
		if _, err := os.Stat(problems[0].File); errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintln(e.stderr, "peervane: name the configuration with -c FILE; README.md has a first one")
		}
		return exit{code: exitConfig}
	}
	for _, p := range cfg.NotInEffect {
		fmt.Fprintln(e.stderr, p)
	}
	return nil
}

// inventory says in one line what a configuration asks for.
func inventory(cfg *config.Config) string {
	return fmt.Sprintf("%s, %s, %s, %s, %s",
		count(len(cfg.Peers), "peer"), count(len(cfg.Connections), "connection"), count(len(cfg.Prefixes), "registered prefix"),
		count(len(cfg.POPs), "POP"), count(len(cfg.Channels), "channel"))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if what == "registered prefix" {
		what += "e"
	}
	return fmt.Sprintf("%d %ss", n, what)
}
