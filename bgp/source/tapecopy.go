package source

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// TapeCopied says what was copied of a tape.
type TapeCopied struct {
	Records  int
	Vantages int
	From     time.Time // when it began; zero: it has no beginning
	Until    time.Time // when it ended, or the latest time in it
	Ended    bool      // it has an end of its own
	Why      string    // it ended, if nobody asked for that
}

// CopyTape copies a tape while it is being made: only what is whole, each note with the record that belongs to it, and at once where
// nothing more is there yet. Its error says that the tape was broken off, or what could not be written; what was copied until then can
// be used.
func CopyTape(to io.Writer, from io.Reader) (c TapeCopied, err error) {
	in := bufio.NewReaderSize(from, chunkSize)
	framer := mrtFramer{file: &file{Reader: in, name: "the recording"}}
	var r record
	var read []byte // and not written yet
	whole := 0      // as much of it can be
	seen, sound := c, c
	for !seen.Ended {
		if err = framer.frame(&r); err != nil {
			break
		}
		read = append(append(read, framer.head[:]...), framer.buf...)
		seen.count(&r)
		if r.typ == mrtTape && noteKind(r.subtype).leads() {
			continue
		}
		if whole, sound = len(read), seen; in.Buffered() > 0 && whole < tapeChunk {
			continue
		}
		if _, err := to.Write(read); err != nil {
			return c, err
		}
		read, whole, c = read[:0], 0, sound
	}
	if _, err := to.Write(read[:whole]); err != nil {
		return c, err
	}
	return sound, brokenOff(err)
}

// ErrBrokenOff says of a tape that it ended without an end of its own.
var ErrBrokenOff = errors.New("the recording was broken off")

func brokenOff(err error) error {
	var wrong *Error
	if errors.As(err, &wrong) {
		return fmt.Errorf("%w: %w", ErrBrokenOff, wrong.Err)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBrokenOff, err)
	}
	return nil
}

// leads says whether a record belongs to a note of the kind, right behind it.
func (k noteKind) leads() bool {
	switch k {
	case noteStanding, noteHeld, noteUp, noteDown, noteChange, noteEndOfRIB:
		return true
	}
	return false
}

func (c *TapeCopied) count(r *record) {
	c.Records++
	if c.Until.Before(r.at) {
		c.Until = r.at
	}
	if !r.isNote() {
		return
	}
	switch noteKind(r.subtype) {
	case noteBegun:
		c.Vantages = 0 // where it began anew, all are told again
		if c.From.IsZero() {
			c.From, c.Until = r.at, r.at
		}
	case noteVantage:
		c.Vantages++
	case noteEnded:
		c.Ended, c.Until = true, r.at
		if text := r.body[min(len(tapeMagic)+1, len(r.body)):]; len(text) > 2 {
			c.Why = string(text[2:min(2+int(binary.BigEndian.Uint16(text)), len(text))])
		}
	}
}
