package systemd

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// manager stands where systemd would: it receives what is notified.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	addr := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", addr.Name)
	return conn
}

func TestNotify(t *testing.T) {
	conn := manager(t)
	for _, test := range []struct {
		call func() error
		want string
	}{
		{Ready, `^READY=1$`},
		{Reloading, `^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]+$`},
		{Stopping, `^STOPPING=1$`},
		{Alive, `^WATCHDOG=1$`},
		{func() error { return Status("3 of 4 sessions\nup") }, `^STATUS=3 of 4 sessions up$`},
	} {
		if err := test.call(); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 512)
		n, err := conn.Read(b)
		if err != nil || !regexp.MustCompile(test.want).Match(b[:n]) {
			t.Errorf("got %q, %v, want %s", b[:n], err, test.want)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	if err := Ready(); err != nil {
		t.Errorf("without systemd: %v", err)
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	if err := Ready(); err == nil {
		t.Error("a socket that is gone must be an error")
	}
}

func TestWatchdogInterval(t *testing.T) {
	t.Setenv("WATCHDOG_PID", "")
	t.Setenv("WATCHDOG_USEC", "30000000")
	if d, err := WatchdogInterval(); d != 30*time.Second || err != nil {
		t.Errorf("got %v, %v", d, err)
	}
	t.Setenv("WATCHDOG_USEC", "soon")
	if _, err := WatchdogInterval(); err == nil {
		t.Error("nonsense must be an error")
	}
}

func TestOnJournal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for value, want := range map[string]bool{"": false, "1:2": false, "x": false, journalStream(t, f): true} {
		t.Setenv("JOURNAL_STREAM", value)
		if got := OnJournal(f); got != want {
			t.Errorf("JOURNAL_STREAM=%q: %v", value, got)
		}
	}
}

// TestUnitKeys holds the unit to what the daemon relies on.
func TestUnitKeys(t *testing.T) {
	unit, err := os.ReadFile("peervane.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"Type=notify", "DynamicUser=yes", "CapabilityBoundingSet=", "NoNewPrivileges=yes", "StateDirectory=peervane",
		"RuntimeDirectory=peervane", "ConfigurationDirectory=peervane", "RestartPreventExitStatus=64 78",
	} {
		if !strings.Contains("\n"+string(unit), "\n"+line+"\n") {
			t.Errorf("the unit lacks %q", line)
		}
	}
}
