package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"peervane/bgp/source"
	"peervane/config"
	"peervane/daemon"
	"peervane/daemon/notice"
)

func replayCommand(e *env) *cobra.Command {
	var file, format string
	var singly bool
	c := &cobra.Command{
		Use:   "replay -c FILE [--format jsonl|text] INPUT...",
		Short: "Judge recorded routes as if they came now",
		Long: `Replay runs the engine over MRT files (RIB dumps and updates; plain, gzip or bzip2) and RIS Live JSON lines, on the
records' own clock, and prints every notice. It sends nothing and touches nothing. An INPUT of - is stdin. One INPUT may be a recording of
'peervane record': two of them are replayed one by one.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, inputs []string) error {
			print, err := printer(format)
			if err != nil {
				return usage(c, err)
			}
			loader := daemon.Loader()
			loader.Recording = true
			cfg, problems := loader.Load(file)
			if err := complain(e, cfg, problems); err != nil {
				return err
			}
			return replay(c.Context(), e, cfg, singly, inputs, print)
		},
	}
	configFlag(c, &file)
	c.Flags().StringVar(&format, "format", "jsonl", "how notices are printed: `jsonl or text`")
	c.Flags().BoolVar(&singly, "singly", false, "tell every incident by itself: no groups of more than ten of a kind")
	return c
}

// replay prints the notices, then says on stderr what was done. Inputs that ended before their end make it fail, after
// all else was printed.
func replay(ctx context.Context, e *env, cfg *config.Config, singly bool, inputs []string, print printFunc) error {
	began := time.Now()
	out := bufio.NewWriter(e.stdout)
	r, err := daemon.NewReplay(cfg, singly, func(n notice.Notice) error { return print(out, &n) }, zap.NewNop())
	if err != nil {
		return err
	}
	recording := source.NewRecording(inputs, source.RecordingOptions{Watched: r.Watched(), Report: e.report, Registered: r.Registered})
	err = recording.Run(ctx, r)
	if endErr := r.Until(recording.Stats().Last); err == nil {
		err = endErr
	}
	if flushErr := out.Flush(); flushErr != nil {
		return fmt.Errorf("write the notices: %w", flushErr)
	}
	if read := recording.Stats(); read.Records > 0 || err == nil {
		summarize(e.stderr, read, r.Summary(), time.Since(began))
	}
	return err
}

// report prints one bad record.
func (e *env) report(err error) { fmt.Fprintf(e.stderr, "peervane: %v\n", err) }

func summarize(w io.Writer, in source.Stats, out daemon.ReplaySummary, took time.Duration) {
	span := ""
	if in.Records > 0 {
		span = fmt.Sprintf(" from %s to %s", stamp(in.First), stamp(in.Last))
	}
	fmt.Fprintf(w, "read      %d records%s in %s\n", in.Records, span, took.Round(time.Millisecond))
	fmt.Fprintf(w, "routes    %d announced, %d withdrawn, %d of RIB dumps, %d session states\n", in.Announced, in.Withdrawn, in.Routes, in.States)
	if in.Bad > 0 {
		fmt.Fprintf(w, "bad       %d records, left out\n", in.Bad)
	}
	fmt.Fprintf(w, "vantages  %d\n", out.Vantages)
	if out.Relationships != nil {
		fmt.Fprintf(w, "relations %s\n", covered(*out.Relationships))
	}
	fmt.Fprintf(w, "notices   %d firing, %d updated, %d resolved; %d open at the end\n", out.Firing, out.Updated, out.Resolved, out.Open)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// printFunc writes one notice.
type printFunc func(io.Writer, *notice.Notice) error

func printer(format string) (printFunc, error) {
	switch format {
	case "jsonl":
		return printJSON, nil
	case "text":
		return printText, nil
	}
	return nil, fmt.Errorf("unknown format %q: use jsonl or text", format)
}

func printJSON(w io.Writer, n *notice.Notice) error {
	body, err := n.Body()
	if err != nil {
		return err
	}
	_, err = w.Write(append(body, '\n'))
	return err
}

// printText writes what a person reads: one line a notice, aligned.
func printText(w io.Writer, n *notice.Notice) error {
	reason := ""
	if n.Reason != "" {
		reason = " (" + n.Reason + ")"
	}
	_, err := fmt.Fprintf(w, "%s  %-8s  %-8s  %-15s  %s%s\n", stamp(n.UpdatedAt.Time), n.Status,
		strings.ToLower(n.Severity.String()), n.Type, n.Summary, reason)
	return err
}
