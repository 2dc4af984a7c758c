package main

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// reader is somebody who types the commands of the README, one after the other, on a host of their own: absolute paths
// are below root, and the daemon that they started is the one that they ask.
type reader struct {
	*testing.T
	repository string
	root, dir  string // the host, and the folder that the reader is in
	http       string // of the daemon
}

// readerKnows says how each command is tried out. One that is missing here fails the test.
var readerKnows = map[string]func(r *reader, env, args []string){
	"go run":     nil, // TestReadmeSample
	"go test":    nil, // this is it
	"go build":   (*reader).build,
	"install -D": (*reader).install,

	"sysctl --load":           (*reader).sysctl,
	"systemctl daemon-reload": nil, // it has no file
	"systemctl enable":        (*reader).enable,
	"systemctl reload":        (*reader).reloadable,
	"journalctl -u":           (*reader).unit,

	"peervane init":      (*reader).peervane,
	"peervane run":       (*reader).start,
	"peervane check":     (*reader).check,
	"peervane reload":    (*reader).peervane,
	"peervane generate":  (*reader).peervane,
	"peervane replay":    (*reader).replay,
	"peervane record":    (*reader).record,
	"peervane dump":      (*reader).peervane,
	"peervane status":    (*reader).ask,
	"peervane peers":     (*reader).ask,
	"peervane prefixes":  (*reader).ask,
	"peervane routes":    (*reader).ask,
	"peervane incidents": (*reader).ask,
	"peervane events":    (*reader).ask,
	"peervane pops":      (*reader).ask,
	"peervane latency":   (*reader).ask,
	"peervane transits":  (*reader).ask,
}

// TestReadmeCommands types every command of the README, in order.
func TestReadmeCommands(t *testing.T) {
	repository, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	m := readme(t)
	r := &reader{T: t, repository: repository, root: t.TempDir(), dir: t.TempDir(), http: freeAddr(t)}
	for name, text := range m.files {
		put(t, r.dir, name, text)
	}
	for _, name := range []string{"rib.gz", "updates.gz"} {
		put(t, r.dir, name, recorded(t))
	}
	for _, line := range m.commands {
		env, args := typed(line)
		try, known := readerKnows[strings.Join(args[:min(2, len(args))], " ")]
		if !known {
			t.Errorf("no test knows the command: %s", line)
		}
		if try != nil {
			try(r, env, args)
		}
		if t.Failed() {
			t.Fatalf("after: %s", line)
		}
	}
	r.pages(m)
}

// typed splits a line into variables and words.
func typed(line string) (env, args []string) {
	line, _, _ = strings.Cut(line, " #")
	args = strings.Fields(line)
	for len(args) > 0 && strings.Contains(args[0], "=") {
		env, args = append(env, args[0]), args[1:]
	}
	return env, args
}

// on gives a path on the reader's host.
func (r *reader) on(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Join(r.root, path)
	}
	return path
}

func (r *reader) do(dir string, env []string, args ...string) string {
	r.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "RUNTIME_DIRECTORY="+r.on("/run/peervane"), "STATE_DIRECTORY="), env...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		r.Fatalf("%v: %v\n%s", args, err, &complaints)
	}
	return string(out)
}

// build builds the program, which must be static, as is said.
func (r *reader) build(env, args []string) {
	out := slices.Index(args, "-o") + 1
	args[out] = r.on(args[out])
	r.do(r.repository, env, args...)
	file, err := elf.Open(args[out])
	if err != nil {
		r.Fatal(err)
	}
	defer file.Close()
	if libraries, err := file.ImportedLibraries(); err != nil || len(libraries) > 0 {
		r.Errorf("not static: %v, %v", libraries, err)
	}
}

func (r *reader) install(env, args []string) {
	for i := range args {
		args[i] = r.on(args[i])
		if _, err := os.Stat(filepath.Join(r.repository, args[i])); err == nil && strings.Contains(args[i], ".") {
			args[i] = filepath.Join(r.repository, args[i])
		}
	}
	r.do(r.dir, env, args...)
}

// sysctl reads the file that was installed: what it sets must be there to be set.
func (r *reader) sysctl(_, args []string) {
	text, err := os.ReadFile(r.on(args[2]))
	if err != nil {
		r.Fatal(err)
	}
	for _, setting := range regexp.MustCompile(`(?m)^([a-z0-9_.]+) *=`).FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join("/proc/sys", strings.ReplaceAll(setting[1], ".", "/"))); err != nil {
			r.Error(err)
		}
	}
}

// enable lets systemd enable the unit on the reader's host, where nothing runs.
func (r *reader) enable(_, args []string) {
	if _, err := exec.LookPath("systemctl"); err != nil {
		r.Log("systemctl is not installed: whether the unit can be enabled is not known")
		return
	}
	r.do(r.dir, nil, "systemctl", "--root="+r.root, "enable", args[len(args)-1])
	r.unit(nil, args)
}

// unit finds the unit that is named, and the program that it runs.
func (r *reader) unit(_, args []string) {
	name := args[2]
	if args[1] == "enable" {
		name = args[len(args)-1]
	}
	text := r.unitText(name)
	program := regexp.MustCompile(`(?m)^ExecStart=(\S+)`).FindStringSubmatch(text)
	if program == nil {
		r.Fatalf("%s starts nothing", name)
	}
	if _, err := os.Stat(r.on(program[1])); err != nil {
		r.Error(err)
	}
}

func (r *reader) unitText(name string) string {
	text, err := os.ReadFile(r.on("/etc/systemd/system/" + name + ".service"))
	if err != nil {
		r.Fatal(err)
	}
	return string(text)
}

func (r *reader) reloadable(_, args []string) {
	if !strings.Contains(r.unitText(args[2]), "\nExecReload=") {
		r.Errorf("%s cannot be reloaded", args[2])
	}
}

// check looks at the installed configuration where no other is named.
func (r *reader) check(env, args []string) {
	if !slices.Contains(args, "-c") {
		args = append(args, "-c", r.on(defaultConfig))
	}
	if got := r.do(r.dir, env, args...); !strings.Contains(got, ": good: ") {
		r.Errorf("got %s", got)
	}
}

// peervane runs a command as it stands; it must have something to say.
func (r *reader) peervane(env, args []string) {
	if r.do(r.dir, env, args...) == "" {
		r.Errorf("%v says nothing", args)
	}
}

// record does not wait as long as is said.
func (r *reader) record(env, args []string) {
	args[slices.Index(args, "--for")+1] = "100ms"
	r.do(r.dir, env, args...)
}

// replay tells of the recorded routes; of what was recorded just now nothing is wrong yet.
func (r *reader) replay(env, args []string) {
	if args[len(args)-1] == "recording.mrt" {
		r.do(r.dir, env, args...)
		return
	}
	r.peervane(env, args)
}

func (r *reader) ask(env, args []string) {
	r.do(r.dir, env, append(args, "--http", r.http)...)
}

// start runs the daemon until the end of the test. Its neighbours and POPs are on this host, where none of them answers.
func (r *reader) start(_, args []string) {
	file := filepath.Join(r.dir, args[len(args)-1])
	text, err := os.ReadFile(file)
	if err != nil {
		r.Fatal(err)
	}
	local := strings.NewReplacer(
		"[daemon]\n", "[daemon]\nhttp = \""+r.http+"\"\n",
		"192.0.2.1\"", "127.0.0.2\"", "198.51.100.1", "127.0.0.3",
	).Replace(string(text))
	put(r.T, r.dir, filepath.Base(file), local)
	if err := os.MkdirAll(r.on("/run/peervane"), 0o700); err != nil {
		r.Fatal(err)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+r.on("/run/peervane"), "STATE_DIRECTORY=", "NOTIFY_SOCKET=", "JOURNAL_STREAM=")
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || r.Failed() {
			r.Errorf("the daemon ended with %v, and said:\n%s", err, &log)
		}
	})
	eventually(r.T, "the daemon does not answer", func() error {
		_, err := page(r.Context(), "http://"+r.http+"/healthz")
		return err
	})
}

// pages asks for each page that is named.
func (r *reader) pages(m manual) {
	named := regexp.MustCompile("`(/(?:api/v1/|healthz|readyz|metrics)[^`]*)`").FindAllStringSubmatch(m.text, -1)
	if len(named) < 11 {
		r.Errorf("only %d pages are named", len(named))
	}
	for _, name := range named {
		eventually(r.T, name[1], func() error {
			_, err := page(r.Context(), "http://"+r.http+name[1])
			return err
		})
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// recorded is an MRT file, packed: two vantages show the registered prefix, and one a hijack of a half of it.
func recorded(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	as4 := wire.Params{AS4: true}
	for i, path := range [][]uint32{{64500, 64496}, {64501, 64496}, {64501, 64510}} {
		prefix := netip.MustParsePrefix([]string{"203.0.113.0/24", "203.0.113.0/24", "203.0.113.128/25"}[i])
		peer := netip.AddrFrom4([4]byte{192, 0, 2, byte(path[0] % 100)})
		attrs := &bgp.Attrs{Path: bgp.Sequence(path...), NextHop: peer}
		update := wire.AppendUpdate(nil, as4, attrs, []wire.NLRI{{Prefix: prefix}}, nil)
		record := binary.BigEndian.AppendUint32(nil, uint32(time.Date(2026, 11, 22, 10, i, 0, 0, time.UTC).Unix()))
		record = append(record, 0, 16, 0, 4) // BGP4MP, MESSAGE_AS4 (RFC 6396 section 4.4.3)
		record = binary.BigEndian.AppendUint32(record, uint32(20+len(update)))
		record = binary.BigEndian.AppendUint32(record, path[0])
		record = append(record, 0, 0, 0xfb, 0xff, 0, 0, 0, 1) // local AS, interface, IPv4
		record = append(append(record, peer.AsSlice()...), 192, 0, 2, 254)
		if _, err := packed.Write(append(record, update...)); err != nil {
			t.Fatal(err)
		}
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
