package netlab

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the tests where they can make labs: as they are for root, else
// in namespaces.
func TestMain(m *testing.M) {
	if privileged() {
		goleak.VerifyTestMain(m)
		return
	}
	code, err := Reexec(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "skipping all tests:", err)
		if os.Getenv("PEERVANE_REQUIRE") == "all" {
			code = 1
		}
	}
	os.Exit(code)
}
