package daemon

import (
	"bufio"
	"io"
	"os"
	"time"

	"peervane/bgp/rpki"
	"peervane/config"
)

// Loader reads a configuration for a daemon, with the operator's files that it names. What other programs write into rpki.file is
// not looked at: a start or a reload must not wait for it.
func Loader() config.Loader {
	return config.Loader{Credentials: os.Getenv("CREDENTIALS_DIRECTORY"), SLURM: func(r io.Reader) error {
		_, err := rpki.DecodeSLURM(r)
		return err
	}}
}

// CheckLoader looks at rpki.file, too, and gives advice: whoever checks wants to know.
func CheckLoader() config.Loader {
	l := Loader()
	l.Advice = true
	l.RPKIFile = func(r io.Reader) error {
		_, err := rpki.DecodeJSON(bufio.NewReaderSize(r, 1<<16), time.Now())
		return err
	}
	return l
}
