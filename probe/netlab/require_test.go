package netlab

import (
	"os"
	"testing"
)

// skip skips a test for want of something, or fails it where all is required.
func skip(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("PEERVANE_REQUIRE") == "all" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}
