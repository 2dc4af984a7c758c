package main

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"

	"peervane/bgp/source"
)

func dumpCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "dump INPUT...",
		Short: "Print recorded routes as bgpdump -m does",
		Long:  "Dump prints every element of MRT files and RIS Live JSON lines, one a line, in the form of bgpdump -m; - is stdin.",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, inputs []string) error {
			out := bufio.NewWriterSize(e.stdout, 64<<10)
			err := source.Dump(c.Context(), out, inputs, e.report)
			if flushErr := out.Flush(); flushErr != nil {
				return fmt.Errorf("write the elements: %w", flushErr)
			}
			return err
		},
	}
}
