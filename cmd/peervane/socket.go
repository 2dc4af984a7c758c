package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"peervane/config"
	"peervane/daemon"
)

// controlName is the control socket's name in its folder.
const controlName = "control.sock"

// runtimeSocket is in the folder that a service manager made for the daemon, where there is one.
func runtimeSocket() (path string, managed bool) {
	dir := os.Getenv("RUNTIME_DIRECTORY")
	return filepath.Join(dir, controlName), dir != ""
}

// stateSocket is where a daemon has it that no service manager made a folder for.
func stateSocket(cfg *config.Config) string { return filepath.Join(daemon.StateDir(cfg), controlName) }

// defaultSocket is where the service has it: the command line knows its folder by name.
func defaultSocket() string {
	if path, managed := runtimeSocket(); managed {
		return path
	}
	return filepath.Join("/run/peervane", controlName)
}

// socketFlag lets a command say at which socket the daemon listens, or by which configuration it runs.
func socketFlag(c *cobra.Command, socket *string) {
	file := ""
	c.Flags().StringVar(socket, "socket", defaultSocket(), "the daemon's control `socket`")
	c.Flags().StringVarP(&file, "config", "c", "", "find the socket of the daemon that runs with this configuration `file`")
	c.MarkFlagsMutuallyExclusive("socket", "config")
	c.PreRunE = func(*cobra.Command, []string) (err error) {
		if file != "" {
			*socket, err = socketBy(file)
		}
		return err
	}
}

// socketBy is the socket of the daemon that runs with a configuration: in its state folder, or else that of the service.
func socketBy(file string) (string, error) {
	if path, managed := runtimeSocket(); managed {
		return path, nil
	}
	at, problems := config.Reach(file) // whether the rest of the file is good is the daemon's to say
	path := stateSocket(&config.Config{Daemon: at})
	if _, err := os.Stat(path); file == defaultConfig && (err != nil || config.Refused(problems)) {
		return defaultSocket(), nil
	}
	if config.Refused(problems) {
		return "", exit{exitConfig, fmt.Errorf("%s\nSee 'peervane check -c %s'; a daemon that runs with what the file said before is reached with --socket", eachOnItsLine(problems), file)}
	}
	return path, nil
}
