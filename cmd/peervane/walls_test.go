package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "peervane/"

// walls says which of our packages each package may import; a package that stands here alone imports nothing of ours.
// A pattern ending in /... means the package and all below it.
var walls = []struct {
	pkg     string
	imports []string
}{
	{"config", nil},
	{"systemd", nil},
	{"bgp", nil},
	{"bgp/wire", []string{"bgp"}},
	{"bgp/session", []string{"bgp", "bgp/wire"}},
	{"bgp/rib", []string{"bgp"}},
	{"bgp/rpki", []string{"bgp"}},
	{"bgp/source", []string{"bgp", "bgp/session", "bgp/source/bunzip", "bgp/wire", "bgp/rib"}},
	{"bgp/source/bunzip", nil},
	{"bgp/detect", []string{"bgp", "bgp/rib", "bgp/rpki"}},
	{"probe", []string{"probe/stats"}},
	{"probe/stats", nil},
	{"probe/netlab", []string{"probe/stats"}},
	{"daemon", []string{"bgp/...", "probe", "probe/stats", "config", "daemon/..."}},
	{"daemon/notice", []string{"bgp", "probe/stats", "config"}},
	{"daemon/join", []string{"bgp", "daemon/notice", "probe/stats", "config"}},
	{"daemon/draft", []string{"bgp", "config"}},
	{"daemon/incident", []string{"bgp", "daemon/notice", "probe/stats", "config"}},
	{"daemon/notify", []string{"bgp", "daemon/notice", "probe/stats", "config"}},
	{"daemon/store", []string{"bgp", "daemon/notice", "probe/stats", "config"}},
	{"daemon/api", []string{"bgp", "daemon/notice", "probe/stats", "config"}},
	{"cmd/peervane", []string{"daemon/...", "config", "systemd", "bgp", "bgp/source", "bgp/wire", "probe/netlab"}},
	{"cmd/peervane-bench", []string{"bgp", "bgp/source", "bgp/wire"}}, // it measures peervane from outside
}

// pure names the packages that hold no socket, file, goroutine, timer or clock, and the single files of mixed packages.
var pure = []string{
	"bgp", "bgp/wire", "bgp/rib", "bgp/source/bunzip", "bgp/detect", "probe/stats", "daemon/join", "daemon/notice", "daemon/draft", "daemon/incident",
	"bgp/session/fsm.go", "bgp/session/fsm_conn.go", "bgp/session/event.go", "bgp/session/open.go", "bgp/session/role.go",
	"bgp/session/reason.go", "bgp/session/config.go",
	"bgp/rpki/set.go", "bgp/rpki/rov.go", "bgp/rpki/aspa.go", "bgp/rpki/leaker.go", "bgp/rpki/diff.go", "bgp/rpki/slurm.go",
	"bgp/rpki/asnumber.go", "bgp/rpki/json.go", "bgp/rpki/pdu.go", "bgp/rpki/pdureader.go", "bgp/rpki/transaction.go",
	"bgp/rpki/conversation.go", "bgp/rpki/supply.go",
}

// impure lists what a pure file must not use, by import path; nil means the whole package.
var impure = map[string][]string{
	"time":                  {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"},
	"net":                   {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialIP", "DialUnix", "Dialer", "Listen", "ListenTCP", "ListenUDP", "ListenIP", "ListenUnix", "ListenPacket", "ListenConfig"},
	"os":                    nil,
	"os/exec":               nil,
	"syscall":               nil,
	"net/http":              nil,
	"golang.org/x/sys/unix": nil,
	"math/rand":             nil,
	"crypto/rand":           nil,
}

type sourceFile struct {
	name, pkg string
	ast       *ast.File
}

func TestWalls(t *testing.T) {
	for _, f := range sources(t) {
		allowed, known := allowedImports(f.pkg)
		if !known {
			t.Errorf("%s: package %s has no place in the floor plan: give it one in walls", f.name, f.pkg)
			continue
		}
		for path := range imports(f.ast) {
			ours, isOurs := strings.CutPrefix(path, module)
			if isOurs && !slices.ContainsFunc(allowed, func(p string) bool { return matches(p, ours) }) {
				t.Errorf("%s: %s must not import %s", f.name, f.pkg, ours)
			}
		}
	}
}

func TestPurity(t *testing.T) {
	for _, f := range sources(t) {
		if !slices.Contains(pure, f.pkg) && !slices.Contains(pure, f.name) {
			continue
		}
		for _, complaint := range impurities(f.ast) {
			t.Errorf("%s is pure, but %s", f.name, complaint)
		}
	}
}

// TestNoInit holds the registries to being literals: no init(), and no blank import but the SQL driver's.
func TestNoInit(t *testing.T) {
	for _, f := range sources(t) {
		for path, name := range imports(f.ast) {
			if name == "_" && path != "modernc.org/sqlite" && path != "embed" {
				t.Errorf("%s: blank import of %s", f.name, path)
			}
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: init() hides what happens at start; call it from where it is needed", f.name)
			}
		}
	}
}

// TestImpurities shows that the purity rule can fail.
func TestImpurities(t *testing.T) {
	for src, want := range map[string]int{
		`package p; import "time"; var d = time.Second`:                       0,
		`package p; import "time"; func f() { time.Now() }`:                   1,
		`package p; import clock "time"; func f() { clock.Sleep(1) }`:         1,
		`package p; func f() { go f() }`:                                      1,
		`package p; import "os"; var a = os.Args`:                             1,
		`package p; import "net"; func f() { net.Dial("", "") }`:              1,
		`package p; import "net"; var ip net.IP`:                              0,
		`package p; import "golang.org/x/sys/unix"; var a = unix.AF_INET`:     1,
		`package p; import "time"; func f(time struct{ Now int }) {_ = time}`: 0,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "p.go", src, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := impurities(f); len(got) != want {
			t.Errorf("%s: %d complaints %q, want %d", src, len(got), got, want)
		}
	}
}

func sources(t *testing.T) []sourceFile {
	t.Helper()
	root := filepath.Join("..", "..")
	var out []sourceFile
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		out = append(out, sourceFile{filepath.ToSlash(name), filepath.ToSlash(filepath.Dir(name)), parsed})
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	return out
}

func allowedImports(pkg string) ([]string, bool) {
	for _, w := range walls {
		if w.pkg == pkg {
			return w.imports, true
		}
	}
	// Commands beside peervane itself, and packages below daemon/api and the like, follow the nearest one above them.
	if i := strings.LastIndexByte(pkg, '/'); i > 0 && !strings.HasPrefix(pkg, "bgp/") {
		allowed, known := allowedImports(pkg[:i])
		return append(slices.Clone(allowed), pkg[:i]+"/..."), known
	}
	return nil, false
}

func matches(pattern, pkg string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == below || strings.HasPrefix(pkg, below+"/")
	}
	return pattern == pkg
}

// imports gives each import path of a file with its local name, or "" for the default one.
func imports(f *ast.File) map[string]string {
	out := map[string]string{}
	for _, spec := range f.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		out[path] = ""
		if spec.Name != nil {
			out[path] = spec.Name.Name
		}
	}
	return out
}

func impurities(f *ast.File) []string {
	var out []string
	banned := map[string][]string{}
	for path, name := range imports(f) {
		uses, known := impure[path]
		if known && uses == nil {
			out = append(out, "it imports "+path)
		}
		if name == "" {
			name = path[strings.LastIndexByte(path, '/')+1:]
		}
		banned[name] = uses
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			out = append(out, "it starts a goroutine")
		case *ast.SelectorExpr:
			if id, ok := n.X.(*ast.Ident); ok && slices.Contains(banned[id.Name], n.Sel.Name) {
				out = append(out, fmt.Sprintf("it uses %s.%s", id.Name, n.Sel.Name))
			}
		}
		return true
	})
	return out
}
