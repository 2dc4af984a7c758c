package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// testRecord: `peervane record` runs during a hijack, with ADD-PATH, over IPv4 and IPv6. The replay of what it wrote tells the same
// incidents, of the same sessions by name, and each ends.
func testRecord(t *testing.T, binary string) {
	in := newInternet(t, binary)
	in.edge(bird)
	in.start(settings{ASN: monitorASN})
	conf, file := filepath.Join(in.dir, "peervane.toml"), filepath.Join(in.dir, "recording.mrt")
	record := exec.Command(binary, "record", file, "--socket", filepath.Join(in.dir, "run", controlName))
	p := launch(t, "peervane record", in.monitor, record)
	eventually(t, "the recording does not begin", func() error {
		_, err := os.Stat(file)
		return err
	})
	a4 := in.hijack("hijack4", hijacked4, registered4, 2)
	a6 := in.hijack("hijack6", hijacked6, registered6, 2)
	in.end("hijack4", a4)
	in.end("hijack6", a6)
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if !p.cmd.ProcessState.Success() || !strings.HasPrefix(p.text(), "recorded  ") {
		t.Errorf("%s: %s", p.cmd.ProcessState, p.text())
	}
	live := in.receiver.stories()
	if told := replayedStories(t, conf, file); !slices.Equal(told, live) || len(live) != 4 {
		t.Errorf("replayed\n%s\nlive\n%s", strings.Join(told, "\n"), strings.Join(live, "\n"))
	}
	in.finish()
}

// story is what of a notice does not depend on how much the engine read at once.
func (a *alert) story() string {
	var vantages []string
	for _, r := range a.Evidence.Routes {
		vantages = append(vantages, r.Vantage[:strings.LastIndex(r.Vantage, "-")])
	}
	return fmt.Sprintf("%s %s %s in %s by AS%d, %s, at %v", a.Status, a.Type, a.Offending, a.Prefix, a.Culprit, a.Severity, slices.Compact(vantages))
}

// stories gives what fired and ended, in order.
func (r *receiver) stories() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.alerts {
		if a.Status != "updated" {
			out = append(out, a.story())
		}
	}
	return out
}

func replayedStories(t *testing.T, conf, file string) (out []string) {
	t.Helper()
	told, code := replayed(t, conf, file)
	if code != 0 {
		t.Errorf("replay: exit code %d", code)
	}
	for line := range bytes.Lines(told) {
		var a alert
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		if a.Status != "updated" {
			out = append(out, a.story())
		}
	}
	return out
}
