package wire

import (
	"os"
	"path/filepath"
	"testing"
)

// testData gives the folder of real data under its name there, or skips the test; with PEERVANE_REQUIRE=all it fails.
func testData(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("PEERVANE_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(root, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if os.Getenv("PEERVANE_REQUIRE") == "all" {
		t.Fatalf("no test data at %s: set PEERVANE_TESTDATA to their folder", path)
	}
	t.Skipf("no test data at %s: set PEERVANE_TESTDATA to their folder", path)
	return ""
}
