package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"peervane/probe/netlab"
)

// TestInterop runs the daemon beside real routers, each in a network namespace of its own, and judges by what arrives at
// a webhook receiver. Without root it runs itself again in a user namespace.
func TestInterop(t *testing.T) {
	if testing.Short() {
		t.Skip("the routers take a few minutes")
	}
	if !inNamespaces(t, "TestInterop") {
		return
	}
	binary := buildPeervane(t)
	for _, c := range []struct {
		name string
		test func(t *testing.T, binary string)
	}{
		{"down", testDown}, // the longest first
		{"refresh", testRefresh},
		{"collision", testCollision},
		{"hijack", testHijack},
		{"md5", testMD5},
		{"dynamic", testDynamic},
		{"restart", testRestart},
		{"internal", testInternal},
		{"readme", testReadme},
		{"record", testRecord},
		{"bmp", testBMP},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, binary)
		})
	}
}

// inNamespaces says whether labs can be made here. Where they cannot, it runs the test again in a user namespace, and that is all
// that there is to do.
func inNamespaces(t *testing.T, test string) bool {
	t.Helper()
	lab, err := netlab.New()
	if err != nil && !netlab.Inside() {
		again(t, test)
		return false
	}
	if err == nil {
		err = lab.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return true
}

// newLab makes a lab that ends with the test.
func newLab(t *testing.T) *netlab.Lab {
	t.Helper()
	lab, err := netlab.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return lab
}

// again runs a test in namespaces.
func again(t *testing.T, test string) {
	pattern := "^" + test + "$"
	if _, sub, ok := strings.Cut(flag.Lookup("test.run").Value.String(), "/"); ok {
		pattern += "/" + sub
	}
	code, err := netlab.Reexec(append(os.Args[1:], "-test.run="+pattern, "-test.testlogfile=", "-test.coverprofile="))
	if err != nil {
		skip(t, err.Error())
	}
	if code != 0 {
		t.Fatalf("exit code %d in namespaces", code)
	}
}

// each runs a case with each router, in parallel.
func each(t *testing.T, kinds []*kind, test func(t *testing.T, k *kind)) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}
