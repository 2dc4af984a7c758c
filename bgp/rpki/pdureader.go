package rpki

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// pduReader cuts a stream into PDUs. It holds one at a time, of at most pduMax bytes, and forgets nothing when a read
// deadline passes in the middle of one.
type pduReader struct {
	in   *bufio.Reader
	last int // the size of the PDU that was given last, still in the buffer
}

func newPDUReader(r io.Reader) *pduReader { return &pduReader{in: bufio.NewReaderSize(r, pduMax+1)} }

// next gives the next PDU; it is valid until the next call. Errors are *protocolError, io.EOF between PDUs,
// io.ErrUnexpectedEOF within one, or the stream's own: after a time-out the caller may go on.
func (r *pduReader) next() (pdu, error) {
	r.in.Discard(r.last) // it is in the buffer, so this cannot fail
	r.last = 0
	header, err := r.peek(pduHeader)
	if err != nil {
		return pdu{}, err
	}
	size := binary.BigEndian.Uint32(header[4:])
	if size < pduHeader || size > pduMax {
		return pdu{}, &protocolError{corruptData, header, fmt.Sprintf("a PDU of %d bytes: 8 to %d are possible", size, pduMax)}
	}
	raw, err := r.peek(int(size))
	if err != nil {
		return pdu{}, err
	}
	r.last = int(size)
	p, fault := parsePDU(raw)
	if fault != nil {
		return p, fault
	}
	return p, nil
}

func (r *pduReader) peek(n int) ([]byte, error) {
	b, err := r.in.Peek(n)
	if errors.Is(err, io.EOF) && r.in.Buffered() > 0 {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}
