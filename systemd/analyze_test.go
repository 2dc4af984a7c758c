package systemd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// exposure is the most that `systemd-analyze security` may say of the shipped unit.
const exposure = 1.5

func journalStream(t *testing.T, f *os.File) string {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}

// require skips where a program is missing, or fails where nothing may be skipped.
func require(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("PEERVANE_REQUIRE") == "all" {
		t.Fatalf("%s is not installed", program)
	}
	t.Skipf("%s is not installed", program)
}

// TestVerify installs the built program and the units below a root of their own and lets systemd read them.
func TestVerify(t *testing.T) {
	require(t, "systemd-analyze")
	root := t.TempDir()
	binary := filepath.Join(root, "usr/bin/peervane")
	if out, err := exec.Command("go", "build", "-o", binary, "peervane/cmd/peervane").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	units := filepath.Join(root, "units")
	if err := os.MkdirAll(units, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"peervane.service", "peervane-bgp.socket"} {
		unit, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		unit = []byte(strings.ReplaceAll(string(unit), "/usr/bin/peervane", binary))
		if err := os.WriteFile(filepath.Join(units, name), unit, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("systemd-analyze", "verify", filepath.Join(units, "peervane.service"), filepath.Join(units, "peervane-bgp.socket"))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func TestExposure(t *testing.T) {
	require(t, "systemd-analyze")
	out, err := exec.Command("systemd-analyze", "security", "--offline=yes", "--no-pager", "peervane.service").CombinedOutput()
	if err != nil {
		out, err = exec.Command("systemd-analyze", "security", "--offline=yes", "--no-pager", "./peervane.service").CombinedOutput()
	}
	m := regexp.MustCompile(`Overall exposure level for peervane.service: ([0-9.]+)`).FindSubmatch(out)
	if err != nil || m == nil {
		t.Fatalf("systemd-analyze security: %v\n%s", err, out)
	}
	if level, _ := strconv.ParseFloat(string(m[1]), 64); level > exposure {
		t.Errorf("exposure %v is more than %v:\n%s", level, exposure, out)
	}
}
