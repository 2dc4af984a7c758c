package store

import (
	"os"
	"testing"
)

// lacking skips a test that needs what this host has not, or fails it where everything is required.
func lacking(t *testing.T, what string, err error) {
	t.Helper()
	if os.Getenv("PEERVANE_REQUIRE") == "all" {
		t.Fatalf("%s: %v", what, err)
	}
	t.Skipf("%s: %v", what, err)
}
