package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func backupCommand(e *env) *cobra.Command {
	var socket string
	c := &cobra.Command{
		Use:   "backup FILE [-c FILE | --socket SOCKET]",
		Short: "Write a copy of the running daemon's database to a file, - for stdout",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] == "-" {
				return controlTo(c.Context(), e.stdout, socket, "/backup")
			}
			return backUp(c.Context(), socket, args[0])
		},
	}
	socketFlag(c, &socket)
	return c
}

// backUp writes a file that is whole or not there: what broke off never takes the place of an older copy. What is no plain file is written to as it
// is.
func backUp(ctx context.Context, socket, file string) (err error) {
	file, plain, err := targetOf(file)
	if err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	if !plain {
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("write the backup: %w", err)
		}
		return errors.Join(controlTo(ctx, f, socket, "/backup"), f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*") // readable by its owner alone
	if err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	defer func() {
		f.Close() // again, where all went well
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err := controlTo(ctx, f, socket, "/backup"); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	return nil
}
