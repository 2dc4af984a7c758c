// Command peervane-bench measures what full tables cost peervane and the BGP daemons that are installed beside it, and how
// soon a change is told: one command, one run, so that the ratios mean something.
//
// It runs each program as its user would, speaks BGP to it over loopback, and looks at it from outside: at /proc, and at what
// it shows of itself. It never looks into the daemon.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are what the flags say.
type options struct {
	what     string
	peers    []int
	only     string
	runs     int
	v4, v6   int
	mrt      string
	seed     uint64
	watched  int
	changes  int
	duration time.Duration
	rate     int
	settle   time.Duration
	patience time.Duration
	peervane string
	port     uint16
}

// benches are what can be asked for.
var benches = map[string]func(context.Context, *options, *table) error{
	"tables": tables, "latency": latency, "churn": churn,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "peervane-bench: %v\n", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, args []string) error {
	o, err := parseFlags(args)
	if err != nil {
		return err
	}
	if o.peervane == "" {
		dir, err := os.MkdirTemp("", "peervane-bench")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o.peervane = filepath.Join(dir, "peervane")
		if _, err := run(ctx, "go", "build", "-trimpath", "-o", o.peervane, "peervane/cmd/peervane"); err != nil {
			return fmt.Errorf("build peervane, or name one that is built with -peervane: %w", err)
		}
	} else if o.peervane, err = exec.LookPath(o.peervane); err != nil {
		return err
	}
	t := generate(o.seed, o.v4, o.v6)
	if o.mrt != "" {
		if t, err = fromMRT(ctx, o.mrt); err != nil {
			return err
		}
	}
	fmt.Printf("Each table: %d IPv4 and %d IPv6 routes in %d UPDATEs, %.1f MB.\n\n", t.routes[0], t.routes[1], t.updates, float64(len(t.stream))/1e6)
	for _, name := range strings.Split(o.what, ",") {
		run, known := benches[name]
		if !known {
			return fmt.Errorf("-what %s: use some of tables, latency, churn", name)
		}
		if err := run(ctx, o, t); err != nil {
			return err
		}
	}
	return nil
}

func parseFlags(args []string) (*options, error) {
	var o options
	var peers string
	var port uint
	f := flag.NewFlagSet("peervane-bench", flag.ContinueOnError)
	f.StringVar(&o.what, "what", "tables", "what to measure: some of tables, latency, churn")
	f.StringVar(&peers, "peers", "1,4,10", "how many peers send their tables at once")
	f.StringVar(&o.only, "only", "", "measure only receivers whose name holds one of these words, separated by commas")
	f.IntVar(&o.runs, "runs", 5, "how often each is measured; medians are shown, with the spread")
	f.IntVar(&o.v4, "ipv4", 1_000_000, "IPv4 routes of a table")
	f.IntVar(&o.v6, "ipv6", 200_000, "IPv6 routes of a table")
	f.StringVar(&o.mrt, "mrt", "", "take the table from this RIB dump instead")
	f.Uint64Var(&o.seed, "seed", 1, "of the generated table")
	f.IntVar(&o.watched, "watched", 1000, "registered prefixes where only those are kept")
	f.IntVar(&o.changes, "changes", 2000, "changes of the latency measurement")
	f.DurationVar(&o.duration, "duration", 10*time.Minute, "of the churn")
	f.IntVar(&o.rate, "rate", 100_000, "UPDATEs a second of the churn")
	f.DurationVar(&o.settle, "settle", 5*time.Second, "how long a receiver rests before its memory counts")
	f.DurationVar(&o.patience, "patience", 10*time.Minute, "how long one run may take")
	f.StringVar(&o.peervane, "peervane", "", "the peervane to run; built where none is named")
	f.UintVar(&port, "port", 17900, "TCP port of the receivers, on 127.0.1.200; the next one is used too")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	o.port = uint16(port)
	for _, text := range strings.Split(peers, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			return nil, fmt.Errorf("-peers %s: use numbers from 1 to 100", text)
		}
		o.peers = append(o.peers, n)
	}
	if f.NArg() > 0 || o.runs < 1 || o.v4 < 1 || o.v6 < 0 || o.rate < 1 || o.watched < 1 {
		return nil, errors.New("wrong arguments: see -help")
	}
	return &o, nil
}
