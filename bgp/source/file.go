package source

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
)

// Error says what is wrong with an input, and where.
type Error struct {
	File   string
	Offset int64 // of the record, in the decompressed data
	Line   int   // of JSON lines; else 0
	Err    error
}

func (e *Error) Error() string {
	if errors.Is(e.Err, ErrForeign) {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	if e.Line > 0 {
		return fmt.Sprintf("%s: line %d (offset %d): %v", e.File, e.Line, e.Offset, e.Err)
	}
	return fmt.Sprintf("%s: record at offset %d: %v", e.File, e.Offset, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// What ends an input before its end. What was read until then was told.
var (
	ErrTruncated = errors.New("the file is cut short here: get it again, or use it as far as it goes")
	ErrCorrupt   = errors.New("the file is damaged here: get it again")
	ErrForeign   = errors.New("it is neither an MRT file nor RIS Live JSON lines, plain or in gzip or bzip2: give another one")
)

// file is one input, decompressed as its first bytes demand.
type file struct {
	*bufio.Reader
	name  string
	ahead *readAhead
	plain io.Reader
	under *os.File
}

func openFile(name string) (*file, error) {
	under, err := open(name)
	if err != nil {
		return nil, err
	}
	plain, err := decompress(bufio.NewReader(under))
	if err != nil {
		under.Close()
		return nil, &Error{File: name, Err: streamError(err)}
	}
	ahead := newReadAhead(plain)
	return &file{bufio.NewReaderSize(ahead, chunkSize), name, ahead, plain, under}, nil
}

// open takes - for what is piped in.
func open(name string) (*os.File, error) {
	if name == "-" {
		return os.Stdin, nil
	}
	return os.Open(name)
}

// Close comes to the file first, so that a read that waits (of a pipe) ends.
func (f *file) Close() error {
	err := f.under.Close()
	if z, ok := f.plain.(*bunzip2); ok {
		z.Close()
	}
	f.ahead.Close()
	return err
}

// decompress looks at the magic number, since names lie.
func decompress(r *bufio.Reader) (io.Reader, error) {
	magic, err := r.Peek(3)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(r)
	case bytes.HasPrefix(magic, []byte("BZh")):
		return newBunzip2(r), nil
	case err != nil && err != io.EOF:
		return nil, err
	}
	return r, nil
}

// streamError names what a failing read means: torn, damaged, or neither.
func streamError(err error) error {
	var structural bzip2.StructuralError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return ErrTruncated
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.As(err, &structural):
		return fmt.Errorf("%w (%w)", ErrCorrupt, err)
	}
	return err
}

// looksLikeJSON tells JSON lines from MRT, by the type of whose first record no text can stand. What begins as neither,
// and has a line further on that begins as JSON does, are lines of which the first are bad.
func looksLikeJSON(r *bufio.Reader) bool {
	head, _ := r.Peek(mrtHeaderLen)
	if len(head) == mrtHeaderLen && mrtBegins(binary.BigEndian.Uint16(head[4:])) {
		return false
	}
	if begin := bytes.TrimLeft(head, " \t\r\n"); len(begin) > 0 && begin[0] == '{' {
		return true
	}
	some, _ := r.Peek(4096)
	return bytes.Contains(some, []byte("\n{"))
}
