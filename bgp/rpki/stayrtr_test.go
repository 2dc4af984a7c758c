package rpki

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"
)

// stayrtr is StayRTR serving a JSON file on the loopback.
type stayrtr struct {
	addr, file string
	cmd        *exec.Cmd
}

// startStayRTR serves text. StayRTR 0.5 speaks versions 0 to 2, with the ASPA layout of 8210bis-10.
func startStayRTR(t *testing.T, text string, args ...string) *stayrtr {
	t.Helper()
	program, err := exec.LookPath("stayrtr")
	need(t, err == nil, "stayrtr")
	s := &stayrtr{addr: ownAddress(t), file: tempFile(t, text)}
	s.cmd = exec.Command(program, append([]string{"-bind", s.addr, "-metrics.addr", ownAddress(t), "-cache", s.file, "-checktime=false", "-refresh", "1"}, args...)...)
	s.cmd.WaitDelay = time.Second
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	s.listening(t)
	return s
}

// listening waits until the cache accepts connections.
func (s *stayrtr) listening(t *testing.T) {
	t.Helper()
	for tick, deadline := time.Tick(20*time.Millisecond), time.After(time.Minute); ; {
		if conn, err := net.Dial("tcp", s.addr); err == nil {
			conn.Close()
			return
		}
		select {
		case <-tick:
		case <-deadline:
			t.Fatal("stayrtr does not listen")
		}
	}
}

func (s *stayrtr) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// ownAddress is on a loopback address that nobody else has: the port stays free while its owner is restarted.
func ownAddress(t *testing.T) string {
	t.Helper()
	return freeOn(t, fmt.Sprintf("127.%d.%d.%d", 1+mrand.IntN(254), mrand.IntN(256), 1+mrand.IntN(254)))
}

func freePort(t *testing.T) string {
	t.Helper()
	return freeOn(t, "127.0.0.1")
}

func freeOn(t *testing.T, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// follow runs a Validator and gives its Sets as they come.
func follow(t *testing.T, cfg Config) <-chan *Set {
	t.Helper()
	sets := make(chan *Set, 100)
	cfg.StaleAfter = 2 * time.Hour
	v := New(cfg, zaptest.NewLogger(t), func(s *Set) { sets <- s })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- v.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return sets
}

// await takes Sets until one is as wanted.
func await(t *testing.T, sets <-chan *Set, about string, want func(*Set) bool) *Set {
	t.Helper()
	deadline := time.After(time.Minute)
	var last *Set
	for {
		select {
		case last = <-sets:
			if want(last) {
				return last
			}
		case <-deadline:
			if last == nil {
				t.Fatalf("%s did not come, nor any other set", about)
			}
			t.Fatalf("%s did not come; the last set is %+v of %v", about, last, last.vrps.list())
		}
	}
}

func holdsAll(vrps ...VRP) func(*Set) bool {
	return func(s *Set) bool { return slices.Equal(s.vrps.list(), vrps) }
}

const oldASPAs = `"provider_authorizations": {"ipv4": [{"customer_asid": 64496, "providers": [64500, 64501]}], "ipv6": [{"customer_asid": 64496, "providers": [64502]}]}, `

// TestStayRTR loads from a real cache, follows a change that it notifies, and lives through its restart.
func TestStayRTR(t *testing.T) {
	text := exportOf(time.Now(), "", vrpA, vrpC)
	cache := startStayRTR(t, text[:1]+oldASPAs+text[1:])
	sets := follow(t, Config{RTR: []string{"tcp://" + cache.addr}})
	s := await(t, sets, "the first load", holdsAll(vrpA, vrpC))
	if s.VRPs.Epoch.Version != 2 || s.Authorized(64496, 64501) != Provider || s.Authorized(64496, 64502) != Provider || s.Authorized(64496, 64503) != NotProvider {
		t.Errorf("%+v, ASPAs %v", s.VRPs, s.aspas.list())
	}
	write(t, cache.file, exportOf(time.Now(), "", vrpA, vrpB))
	s = await(t, sets, "the change", holdsAll(vrpA, vrpB))
	if s.Authorized(64496, 64501) != NoAttestation {
		t.Errorf("ASPAs %v", s.aspas.list())
	}
	cache.stop()
	again := exec.Command(cache.cmd.Path, cache.cmd.Args[1:]...)
	write(t, cache.file, exportOf(time.Now(), "", vrpC))
	if err := again.Start(); err != nil {
		t.Fatal(err)
	}
	cache.cmd = again
	before := s.VRPs.Epoch.Session
	s = await(t, sets, "the load after a restart", func(s *Set) bool {
		if n, _ := s.Size(); n == 0 {
			t.Error("a set without data is published while the cache restarts")
		}
		return holdsAll(vrpC)(s)
	})
	if s.VRPs.Epoch.Session == before || s.VRPs.Epoch.Version != 2 {
		t.Errorf("the epoch is %+v, before the restart the session was %d", s.VRPs.Epoch, before)
	}
}

// TestStayRTRVersions negotiates with caches of each version.
func TestStayRTRVersions(t *testing.T) {
	for version := range 3 {
		cache := startStayRTR(t, exportOf(time.Now(), "", vrpA), "-protocol", fmt.Sprint(version))
		s := await(t, follow(t, Config{RTR: []string{"tcp://" + cache.addr}}), fmt.Sprintf("the load in version %d", version), holdsAll(vrpA))
		if int(s.VRPs.Epoch.Version) != version {
			t.Errorf("version %d is spoken to a cache of version %d", s.VRPs.Epoch.Version, version)
		}
	}
}

// trustedCache names, for the second process of TestTLS, the cache whose certificate is among its roots.
const trustedCache = "PEERVANE_TRUSTED_CACHE"

// TestTLS shows that a certificate which no root of the system vouches for is refused. As the system's roots are read
// once for each process, a second one loads from the same cache with the certificate among its roots.
func TestTLS(t *testing.T) {
	if cache := os.Getenv(trustedCache); cache != "" {
		await(t, follow(t, Config{RTR: []string{cache}}), "the load over TLS", holdsAll(vrpA))
		return
	}
	cert, key := certificate(t)
	tlsAddr := freePort(t)
	cache := startStayRTR(t, exportOf(time.Now(), "", vrpA), "-tls.bind", tlsAddr, "-tls.cert", cert, "-tls.key", key)
	await(t, follow(t, Config{RTR: []string{"tcp://" + cache.addr}}), "the load over TCP", holdsAll(vrpA))
	_, port, _ := net.SplitHostPort(tlsAddr)
	conn, err := Dial(t.Context(), "tls://localhost:"+port)
	if err == nil {
		conn.Close()
		t.Fatal("a certificate that nobody vouches for is trusted")
	}
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("the error is %v", err)
	}
	trusting := exec.Command(os.Args[0], "-test.run=^TestTLS$")
	trusting.Env = append(os.Environ(), "SSL_CERT_FILE="+cert, "SSL_CERT_DIR="+t.TempDir(), trustedCache+"=tls://localhost:"+port)
	if out, err := trusting.CombinedOutput(); err != nil {
		t.Errorf("with the certificate among the system's roots: %v\n%s", err, out)
	}
}

// certificate makes one for localhost, signed by itself.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return certFile, keyFile
}
