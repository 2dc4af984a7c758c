package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const watchesOne = `
[daemon]
asn = 64512
router_id = "127.0.0.1"
http = ""
state_dir = "state"
[[prefix]]
prefix = "203.0.113.0/24"
origins = [64496]
`

// TestALostLogEndsNothing takes the reader of the log away, as a logger that crashes does.
func TestALostLogEndsNothing(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "peervane.toml", watchesOne)
	read, log, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command("peervane", "run", "-c", file)
	daemon.Dir, daemon.Stderr = dir, log
	daemon.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+dir)
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Process.Kill(); _ = daemon.Wait() })
	log.Close()
	for lines := bufio.NewScanner(read); !strings.Contains(lines.Text(), `"msg":"started"`); {
		if !lines.Scan() {
			t.Fatal("it did not start")
		}
	}
	read.Close()
	for range 3 { // each is logged
		out, err := exec.Command("peervane", "reload", "--socket", filepath.Join(dir, controlName)).CombinedOutput()
		if err != nil {
			t.Fatalf("reload: %v: %s", err, out)
		}
	}
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := daemon.Wait(); err != nil {
		t.Errorf("told to stop: %v", err)
	}
}
