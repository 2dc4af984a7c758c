package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// whileDown has one receiver fail, so that something is unfinished when the disaster comes.
func (o *torture) whileDown(disaster func()) {
	o.Helper()
	must(o.T, o.victims[1].behave(passing[6]))
	for range 5 {
		o.announceOne()
	}
	o.awaitTold("steady")
	disaster()
	for range 5 {
		o.announceOne()
		o.withdrawOldest()
	}
	o.awaitTold("steady")
	must(o.T, o.victims[1].behave(well))
}

// awaitTold waits until one channel knows all.
func (o *torture) awaitTold(channel string) {
	o.Helper()
	for late := time.After(tortureWait); ; {
		told := true
		for _, m := range o.missing() {
			told = told && !bytes.HasPrefix([]byte(m), []byte(channel+" ")) && !bytes.HasSuffix([]byte(m), []byte("nobody"))
		}
		if told {
			return
		}
		select {
		case <-o.fresh:
		case <-late:
			o.Fatalf("%s was not told all; the log ends with\n%s", channel, o.lastWords())
		}
	}
}

// awaitKept waits until the database holds just what stands: a kill costs nothing from then on.
func (o *torture) awaitKept(what string) {
	o.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for late := time.After(tortureWait); ; {
		kept, err := o.openInDatabase()
		if err == nil && slices.Equal(kept, o.stand) {
			return
		}
		select {
		case <-again.C:
		case <-late:
			o.Fatalf("%s: the database has %v, what stands is %v, %v; the log ends with\n%s", what, kept, o.stand, err, o.lastWords())
		}
	}
}

// openInDatabase gives the hijacks that are open there, oldest first.
func (o *torture) openInDatabase() (open []netip.Prefix, err error) {
	db, err := sql.Open("sqlite", "file:"+o.database()+"?mode=ro&_pragma=busy_timeout(1000)")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.Query(`SELECT notice ->> 'offending_prefix' FROM incidents WHERE resolved IS NULL AND type = 'subprefix'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		open = append(open, p)
	}
	slices.SortFunc(open, netip.Prefix.Compare) // the order in which they were announced
	return open, rows.Err()
}

// fullDisk fills the disk up and frees it.
func (o *torture) fullDisk() {
	o.Helper()
	filler := filepath.Join(o.state, "filler")
	o.whileDown(func() {
		f, err := os.Create(filler)
		must(o.T, err)
		defer f.Close()
		for size := 64 << 10; size > 0; {
			if _, err := f.Write(make([]byte, size)); errors.Is(err, unix.ENOSPC) {
				size /= 2
			} else {
				must(o.T, err)
			}
		}
	})
	// There is room in the log for a few; what stands is told until it is no more.
	for range 200 {
		o.announceOne()
	}
	o.awaitTold("steady")
	o.says("state cannot be written, going on from memory")
	must(o.T, os.Remove(filler))
	o.awaitKept("after the disk was freed")
	o.settle("a full disk")
}

// truncated cuts the database off while it is in use.
func (o *torture) truncated() {
	o.Helper()
	o.whileDown(func() { must(o.T, os.Truncate(o.database(), 5000)) })
	o.says("corrupt state database set aside")
	if aside, err := filepath.Glob(o.database() + ".corrupt-*"); err != nil || len(aside) == 0 {
		o.Errorf("the corrupt database was not set aside: %v", err)
	}
	o.awaitKept("after the database was cut")
	o.settle("a database that was cut")
}

// forbidden takes the permission to the state away, and gives it back.
func (o *torture) forbidden() {
	o.Helper()
	files := func(mode os.FileMode) {
		all, err := filepath.Glob(filepath.Join(o.state, "*"))
		must(o.T, err)
		for _, file := range all {
			must(o.T, os.Chmod(file, mode&0o600))
		}
		must(o.T, os.Chmod(o.state, mode))
	}
	o.whileDown(func() { files(0) })
	o.says("permission denied")
	files(0o700)
	o.awaitKept("after the permission was given back")
	o.settle("a permission that was taken")
}

// steppedClock has the daemon find a state that was written years before, and then one of years to come, as when the clock
// was stepped.
func (o *torture) steppedClock() {
	o.Helper()
	for _, years := range []int{-10, 20} {
		o.whileDown(func() {
			o.die(o.T)
			o.shift(time.Duration(years) * 365 * 24 * time.Hour)
			o.live(o.T)
		})
		o.awaitKept("after the clock was stepped")
		o.settle("a clock that was stepped")
	}
}

func (o *torture) shift(by time.Duration) {
	o.Helper()
	db, err := sql.Open("sqlite", "file:"+o.database())
	must(o.T, err)
	defer db.Close()
	for _, text := range []string{
		"UPDATE outbox SET created = created + ?1, next_at = next_at + ?1", "UPDATE events SET at = at + ?1",
		"UPDATE incidents SET started = started + ?1, updated = updated + ?1, resolved = resolved + ?1",
	} {
		_, err := db.ExecContext(context.Background(), text, by.Microseconds())
		must(o.T, err)
	}
}

// says waits until the log has said something.
func (o *torture) says(what string) {
	o.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for late := time.After(tortureWait); !bytes.Contains(o.words.all(), []byte(what)); {
		select {
		case <-again.C:
		case <-late:
			o.Fatalf("the log does not say %q, but ends with\n%s", what, o.lastWords())
		}
	}
}

// tortureCA is an authority that signs for itself.
type tortureCA struct {
	pem  []byte
	pair *tls.Certificate
}

func newTortureCA(t *testing.T) tortureCA {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "receiver"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	return tortureCA{
		pem:  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pair: &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
	}
}

func certifier(good, bad tortureCA) func(bool) *tls.Certificate {
	return func(forged bool) *tls.Certificate {
		if forged {
			return bad.pair
		}
		return good.pair
	}
}
