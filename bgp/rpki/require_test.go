package rpki

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// need skips a test that lacks something of its surroundings, or fails it where all is required.
func need(t testing.TB, have bool, what string) {
	t.Helper()
	if have {
		return
	}
	if os.Getenv("PEERVANE_REQUIRE") == "all" {
		t.Fatalf("%s is required", what)
	}
	t.Skipf("needs %s", what)
}

// testData reads one file of the public test data.
func testData(t testing.TB, name string) []byte {
	t.Helper()
	root := os.Getenv("PEERVANE_TESTDATA")
	if root == "" {
		root = "../../../shared/data"
	}
	text, err := os.ReadFile(filepath.Join(root, name))
	need(t, err == nil, "the test data ("+filepath.Join(root, name)+")")
	return text
}
