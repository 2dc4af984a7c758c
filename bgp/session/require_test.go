package session

import (
	"os"
	"testing"
)

// skip leaves a test out for want of something, unless everything is required.
func skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("PEERVANE_REQUIRE") == "all" {
		t.Fatal(why)
	}
	t.Skip(why)
}
