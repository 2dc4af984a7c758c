package main

import (
	"os"
	"path/filepath"
	"testing"
)

// testdata finds the recorded routes that tests are held to; without them the test skips, or fails where nothing may.
func testdata(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("PEERVANE_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		skip(t, "no recorded routes: set PEERVANE_TESTDATA to a folder that holds them")
	}
	return dir
}

// skip says why a test cannot run here; where PEERVANE_REQUIRE=all, that is a failure.
func skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("PEERVANE_REQUIRE") == "all" {
		t.Fatal(why)
	}
	t.Skip(why)
}
