package notify

import (
	"os"
	"os/exec"
	"testing"
)

// installed gives the path of a program, and skips a test that needs one which this host has not; where everything is
// required, it fails it.
func installed(t *testing.T, program, debianPackage string) string {
	t.Helper()
	for _, name := range []string{program, "/usr/sbin/" + program} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	lacking(t, program+" is not installed (Debian: "+debianPackage+")")
	return ""
}

func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("PEERVANE_REQUIRE") == "all" {
		t.Fatal(what)
	}
	t.Skip(what)
}
