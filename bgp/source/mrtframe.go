package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// record is one MRT record (RFC 6396 section 2).
type record struct {
	typ, subtype uint16
	at           time.Time
	offset       int64
	body         []byte // valid until the next record
}

// MRT types (RFC 6396 section 4, and its appendix for the old one).
const (
	mrtOldBGP      = 5
	mrtTableDump   = 12
	mrtTableDumpV2 = 13
	mrtBGP4MP      = 16
	mrtBGP4MPET    = 17
	lastMRTType    = 49 // OSPFv3_ET
)

const (
	mrtHeaderLen = 12
	maxMRTRecord = 16 << 20 // the largest RIB entries of collectors are under 1 MiB
)

// mrtBegins says whether a file of MRT may begin with a record of that type.
func mrtBegins(typ uint16) bool { return typ <= lastMRTType || typ == mrtTape }

// isNote says whether the record is a note of a tape: others may use the number, too.
func (r *record) isNote() bool {
	return r.typ == mrtTape && bytes.HasPrefix(r.body, []byte(tapeMagic))
}

// mrtFramer cuts a file into records.
type mrtFramer struct {
	file   *file
	offset int64 // where the next record begins
	head   [mrtHeaderLen]byte
	buf    []byte
}

// frame reads one record. io.EOF ends the file between two records; any other error is an *Error, and ends it too.
func (f *mrtFramer) frame(r *record) error {
	head := f.head[:]
	n, err := io.ReadFull(f.file, head)
	if err == io.EOF {
		return io.EOF
	}
	if err != nil {
		return f.broken(err, n)
	}
	seconds, micros := int64(binary.BigEndian.Uint32(head)), int64(0)
	r.typ, r.subtype = binary.BigEndian.Uint16(head[4:]), binary.BigEndian.Uint16(head[6:])
	if f.offset == 0 && !mrtBegins(r.typ) {
		return f.error(ErrForeign)
	}
	length := binary.BigEndian.Uint32(head[8:])
	if length > maxMRTRecord {
		return f.error(fmt.Errorf("%w: a record of type %d and %d bytes cannot be", ErrCorrupt, r.typ, length))
	}
	if n, err := f.body(int(length)); err != nil {
		return f.broken(err, mrtHeaderLen+n)
	}
	r.offset, r.body = f.offset, f.buf
	if (r.typ == mrtBGP4MPET || r.typ == mrtTape) && len(r.body) >= 4 { // the microseconds count as part of the body (section 3)
		micros = int64(binary.BigEndian.Uint32(r.body))
		r.body = r.body[4:]
	}
	r.at = time.Unix(seconds, micros*1000).UTC()
	f.offset += mrtHeaderLen + int64(length)
	return nil
}

// body reads n bytes into buf, which grows with what comes and not with what the header claims.
func (f *mrtFramer) body(n int) (int, error) {
	f.buf = f.buf[:0]
	for have := 0; have < n; have = len(f.buf) {
		step := min(n-have, max(64<<10, have))
		f.buf = slices.Grow(f.buf, step)[:have+step]
		if got, err := io.ReadFull(f.file, f.buf[have:]); err != nil {
			return have + got, err
		}
	}
	return n, nil
}

// broken is the error of a record of which only n bytes could be read.
func (f *mrtFramer) broken(err error, n int) error {
	if cause := streamError(err); !errors.Is(cause, ErrTruncated) {
		return f.error(cause)
	}
	return f.error(fmt.Errorf("%w (%d bytes of a record)", ErrTruncated, n))
}

func (f *mrtFramer) error(err error) error {
	return &Error{File: f.file.name, Offset: f.offset, Err: err}
}
