package source

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// need skips a test that lacks something of its surroundings, or fails it where all is required.
func need(t *testing.T, have bool, what string) {
	t.Helper()
	if have {
		return
	}
	if os.Getenv("PEERVANE_REQUIRE") == "all" {
		t.Fatalf("%s is required", what)
	}
	t.Skipf("needs %s", what)
}

// testData gives the files of the public routing data that match; those are long, so a short run leaves them out.
func testData(t *testing.T, pattern string) []string {
	t.Helper()
	if testing.Short() {
		t.Skip("reads long recordings")
	}
	root := os.Getenv("PEERVANE_TESTDATA")
	if root == "" {
		root = "../../../shared/data"
	}
	files, err := filepath.Glob(filepath.Join(root, pattern))
	need(t, err == nil && len(files) > 0, "the test data ("+filepath.Join(root, pattern)+")")
	return files
}

func bgpdump(t *testing.T, file string) []byte {
	t.Helper()
	path, err := exec.LookPath("bgpdump")
	need(t, err == nil, "bgpdump")
	out, err := exec.Command(path, "-m", file).Output()
	if err != nil {
		t.Fatalf("bgpdump %s: %v", file, err)
	}
	return out
}
