package systemd

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestClockStepInMachine sets the wall clock of a booted machine an hour ahead, two back and one ahead again, while the daemon keeps
// a session and probes POPs: no incident may come of it. The machine is that of the lab that lies beside the project; to build it
// once takes minutes, so only a run that requires everything, or names a folder for it in PEERVANE_VM, does.
func TestClockStepInMachine(t *testing.T) {
	machine, err := filepath.Abs(filepath.Join("..", "..", "shared", "lab", "vm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(machine); err != nil {
		t.Skip("there is no machine to boot: " + err.Error())
	}
	cache := os.Getenv("PEERVANE_VM")
	switch {
	case cache != "":
	case os.Getenv("PEERVANE_REQUIRE") != "all" || testing.Short():
		t.Skip("it takes minutes: name a folder for the machine in PEERVANE_VM")
	default:
		cache = t.TempDir()
	}
	binary := buildStatic(t)
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Minute)
	defer cancel()
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(ctx, machine, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("vm %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("build", cache, "bird2", "iproute2")
	t.Log(run("run", cache, "--script", filepath.Join("testdata", "clockstep.sh"), "--copy", binary+":/root/peervane", "--timeout", "300"))
}

// buildStatic builds the program as it is packaged: without the C library of this machine.
func buildStatic(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "peervane")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../cmd/peervane")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}
