package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// The addresses of the README, and where its receiver is: at a public address, since a notice is not sent to others.
const (
	readmeRouter, readmeMonitor = "192.0.2.1/24", "192.0.2.10/24"
	readmeASN                   = 64500
	readmePOP                   = "198.51.100.1"
	readmeHook, readmeHookAddr  = "hooks.example.net", "11.0.0.2"
)

// testReadme runs the configurations of the README word for word: that of the daemon and that of the router, in an
// internet that has their addresses.
func testReadme(t *testing.T, binary string) {
	for _, c := range []struct {
		kind *kind
		file string
	}{{bird, "bird.conf"}, {frr, "frr.conf"}} {
		t.Run(c.kind.name, func(t *testing.T) {
			t.Parallel()
			in := newInternet(t, binary)
			e := in.edge(c.kind)
			e.ASN, e.Readme, e.Extra = readmeASN, true, readmeBlock(t, c.file)
			in.number(e.link, readmeRouter, readmeMonitor)
			for _, a := range []string{readmePOP, readmeHookAddr} {
				in.assign(a)
			}
			in.receiver = newReceiver(t, in.listen(":443"), nil, certify(t, in.dir))
			in.startRouters()
			in.watcher = in.runReadme()
			in.watcher.established(t)
			in.watcher.sees(t, registered4, 1)
			in.end("hijack4", in.hijack("hijack4", hijacked4, registered4, 1))
			in.end("origin4", in.losing("origin4", registered4, 1)) // ADD-PATH is on at the router
			in.finish()
		})
	}
}

// readmeBlock gives a block of the README by the file that it is for.
func readmeBlock(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)<!-- file: " + regexp.QuoteMeta(file) + " -->\n```[a-z]*\n(.*?)```").FindSubmatch(text)
	if block == nil {
		t.Fatalf("the README has no block for %s", file)
	}
	return string(block[1])
}

// assign gives an address to the host of the receiver, and the monitor a way to it.
func (in *internet) assign(address string) {
	in.t.Helper()
	a := netip.MustParseAddr(address)
	if err := in.noc.Assign(a); err != nil {
		in.t.Fatal(err)
	}
	if err := in.monitor.Route(netip.PrefixFrom(a, a.BitLen()), netip.MustParseAddr("10.3.0.2")); err != nil {
		in.t.Fatal(err)
	}
}

// runReadme starts the daemon with the README's configuration. The receiver's name is in a hosts file that only the
// daemon sees.
func (in *internet) runReadme() *watcher {
	in.t.Helper()
	config := write(in.t, in.dir, "peervane.toml", readmeBlock(in.t, "peervane.toml"))
	hosts := write(in.t, in.dir, "hosts", fmt.Sprintf("127.0.0.1 localhost\n%s %s\n", readmeHookAddr, readmeHook))
	cmd := exec.Command("/bin/sh", "-c", `mount --bind "$0" /etc/hosts && exec "$@"`, hosts, in.binary, "run", "-c", config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	return startWatcher(in.t, in.monitor, in.dir, cmd)
}

// certify makes a certificate for the receiver, and the file by which the daemon knows it.
func certify(t *testing.T, dir string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{readmeHook},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, authority, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}
