package probe

import (
	"os"
	"testing"
)

// lacking skips a test for want of something, or fails it where the
// surroundings promise to have everything.
func lacking(t testing.TB, what string, err error) {
	t.Helper()
	if os.Getenv("PEERVANE_REQUIRE") == "all" {
		t.Fatalf("%s: %v", what, err)
	}
	t.Skipf("%s: %v", what, err)
}
