package source

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"
)

// inTurn decompresses on one goroutine, with the standard library alone.
func inTurn(packed []byte) ([]byte, error) {
	return io.ReadAll(bzip2.NewReader(bytes.NewReader(packed)))
}

func inParallel(packed []byte) ([]byte, error) {
	z := newBunzip2(bytes.NewReader(packed))
	defer z.Close()
	return io.ReadAll(z)
}

// sameEnd says whether two errors mean the same to whoever reads the file.
func sameEnd(a, b error) bool {
	return (a == nil) == (b == nil) && errors.Is(streamError(a), ErrTruncated) == errors.Is(streamError(b), ErrTruncated) &&
		errors.Is(streamError(a), ErrCorrupt) == errors.Is(streamError(b), ErrCorrupt)
}

// checkDamaged wants the same as far as all is well: the library gives what a damaged block seems to hold, too.
func checkDamaged(t *testing.T, what string, packed []byte) {
	t.Helper()
	want, wantErr := inTurn(packed)
	got, err := inParallel(packed)
	if (err == nil) != (wantErr == nil) || !bytes.HasPrefix(want, got) || err == nil && len(got) != len(want) {
		t.Fatalf("%s: %d bytes, %v; want %d bytes, %v", what, len(got), err, len(want), wantErr)
	}
}

func checkBunzip2(t *testing.T, what string, packed []byte) {
	t.Helper()
	want, wantErr := inTurn(packed)
	got, err := inParallel(packed)
	if !bytes.Equal(got, want) || !sameEnd(err, wantErr) {
		t.Fatalf("%s: %d bytes, %v; want %d bytes, %v", what, len(got), err, len(want), wantErr)
	}
}

func packedFiles(t testing.TB) (names []string) {
	names, err := filepath.Glob("testdata/bzip2/*.bz2")
	if err != nil || len(names) == 0 {
		t.Fatal("no files", err)
	}
	return names
}

// Blocks that are decompressed at once give what they do one after the other, and so does what is torn or damaged.
func TestBunzip2IsThatOfTheLibrary(t *testing.T) {
	defer goleak.VerifyNone(t)
	cuts := 300
	if testing.Short() {
		cuts /= 10
	}
	for _, name := range packedFiles(t) {
		packed, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		checkBunzip2(t, name, packed)
		checkBunzip2(t, name+" and zeros", append(slices.Clone(packed), 0, 0, 0))
		checkBunzip2(t, name+" twice", slices.Concat(packed, packed))
		step := 1 + len(packed)/cuts
		for cut := 3; cut < len(packed); cut += step {
			checkBunzip2(t, name+" cut", packed[:cut])
			broken := slices.Clone(packed)
			broken[cut] ^= 1 << (cut % 8)
			checkDamaged(t, name+" broken", broken)
		}
	}
}

// Of a block that is damaged nothing is given, and all of those before it.
func TestBunzip2StopsBeforeDamage(t *testing.T) {
	packed, err := os.ReadFile("testdata/bzip2/blocks.bz2")
	if err != nil {
		t.Fatal(err)
	}
	const inLast = 2000 // the last block of five begins at 1840
	want, _ := inParallel(packed[:inLast])
	packed[inLast] ^= 1
	got, err := inParallel(packed)
	if !errors.Is(streamError(err), ErrCorrupt) || len(got) < 300_000 || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
	}
}

func TestBunzip2OfRecordings(t *testing.T) {
	for _, name := range append(testData(t, "mrt/updates/*.bz2"), testData(t, "mrt/rib/*.bz2")...) {
		packed, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		checkBunzip2(t, name, packed)
	}
}

// One who has read enough need not wait for the rest, nor for what never comes.
func TestBunzip2Closes(t *testing.T) {
	defer goleak.VerifyNone(t)
	packed, err := os.ReadFile("testdata/bzip2/blocks.bz2")
	if err != nil {
		t.Fatal(err)
	}
	z := newBunzip2(bytes.NewReader(slices.Concat(packed, packed, packed, packed, packed, packed)))
	if _, err := io.ReadFull(z, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	z.Close()

	endless, begin := io.Pipe()
	z = newBunzip2(endless)
	read := make(chan error)
	go func() {
		_, err := z.Read(make([]byte, 1))
		read <- err
	}()
	begin.Write(packed[:100])
	endless.Close() // as the file is, before what reads from it
	z.Close()
	if err := <-read; err == nil {
		t.Error("read from nothing")
	}
}

func FuzzBunzip2(f *testing.F) {
	for _, name := range packedFiles(f) {
		packed, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed[3:])
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		if len(packed) > 1<<16 {
			return
		}
		checkDamaged(t, "any bytes", append([]byte("BZh"), packed...))
	})
}
