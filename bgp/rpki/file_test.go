package rpki

import (
	"os"
	"testing"
	"time"
)

// TestFileIsReadAgain whatever of it changes: its size, its time, or which file it is.
func TestFileIsReadAgain(t *testing.T) {
	other := vrpA
	other.ASN++
	text := func(v VRP) string { return exportOf(synctestEpoch, "", v) } // of the same size for both
	for about, renew := range map[string]func(t *testing.T, path string){
		"written anew in place": func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(text(other)), 0o600); err != nil {
				t.Fatal(err)
			}
			age(t, path, time.Minute)
		},
		"replaced by one of the same time": func(t *testing.T, path string) {
			write(t, path, text(other))
			age(t, path, time.Hour)
		},
		"replaced by a larger one": func(t *testing.T, path string) {
			write(t, path, text(other)+"\n")
			age(t, path, time.Hour)
		},
	} {
		t.Run(about, func(t *testing.T) {
			path := tempFile(t, text(vrpA))
			age(t, path, time.Hour)
			inLab(t, Config{File: path}, nil, func(l *lab) {
				l.holds("before", l.after(time.Second), vrpA)
				renew(t, path)
				l.holds("after", l.after(filePoll), other)
			})
		})
	}
}

// age makes a file as old as that.
func age(t *testing.T, path string, d time.Duration) {
	t.Helper()
	at := synctestEpoch.Add(-d)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}
