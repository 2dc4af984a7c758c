package source

import (
	"bufio"
	"io"
	"time"
)

// format reads one file of recorded routes, record by record.
type format interface {
	// next reads a record and gives its time. It calls bad for each that it leaves out, and ignored for what is sound and
	// holds nothing. io.EOF ends the file; any other error is an *Error, and ends it too.
	next(bad func(error), ignored func(string)) (time.Time, error)

	// tell and print pass on what the record says that was read last. An *Error, unwrapped, means that the record is bad, and
	// was left out from where it is so.
	tell(*recorder) error
	print(*dumper) error
}

// kinds are the formats that a file may have: the first that fits is taken.
var kinds = []struct {
	fits func(*bufio.Reader) bool
	open func(*file) format
}{
	{looksLikeJSON, func(f *file) format { return &risReader{file: f} }},
	{func(*bufio.Reader) bool { return true }, func(f *file) format { return newMRTReader(f) }},
}

func formatOf(f *file) format {
	for _, k := range kinds {
		if k.fits(f.Reader) {
			return k.open(f)
		}
	}
	return nil
}

// readAll tells play each record of a file. Its error is what ended the file before its end, or what play returned.
func readAll(f format, play func() error, bad func(error), ignored func(string)) error {
	for {
		if _, err := f.next(bad, ignored); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		err := play()
		if wrong, ok := err.(*Error); ok {
			bad(wrong)
		} else if err != nil {
			return err
		}
	}
}
