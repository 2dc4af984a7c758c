package netlab

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the tests where labs can be made: for root here, for others in
// namespaces of Reexec. As a helper of a test it runs that instead.
func TestMain(m *testing.M) {
	if name := os.Getenv(helperVariable); name != "" {
		os.Exit(helpers[name]())
	}
	if privileged() {
		goleak.VerifyTestMain(m)
		return
	}
	code, err := Reexec(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "no test can run:", err)
		if os.Getenv("PEERVANE_REQUIRE") == "all" {
			code = 1
		}
	}
	os.Exit(code)
}
