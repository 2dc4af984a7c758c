package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
)

// A record of the redo log is a head of 32 bytes (magic, length of the rest, id of the log, number, checksum, zero; numbers little
// endian) and the rows: for each the number of its statement, the number of its arguments, and each argument with its type. It ends
// at a multiple of slotSize. The header in the first slot is a head with the number 0, and JSON that says what the statements are.
const (
	recordMagic = 0x31_4f_44_52 // "RDO1"
	headSize    = 32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// redoHeader is what a log says of itself: another version of the program may have other statements.
type redoHeader struct {
	Statements []string `json:"statements"`
}

func encodeHeader(id uint64) []byte {
	body, _ := json.Marshal(redoHeader{statementTexts[:]}) // texts can always be encoded
	return seal(append(make([]byte, headSize), body...), id, 0)
}

// seal fills in the head, and the last slot.
func seal(b []byte, id, lsn uint64) []byte {
	length := len(b) - headSize
	binary.LittleEndian.PutUint32(b, recordMagic)
	binary.LittleEndian.PutUint32(b[4:], uint32(length))
	binary.LittleEndian.PutUint64(b[8:], id)
	binary.LittleEndian.PutUint64(b[16:], lsn)
	binary.LittleEndian.PutUint32(b[24:], checksum(b))
	if over := len(b) % slotSize; over > 0 {
		b = append(b, make([]byte, slotSize-over)...)
	}
	return b
}

// checksum is that of all before it and all behind.
func checksum(b []byte) uint32 {
	length := binary.LittleEndian.Uint32(b[4:])
	sum := crc32.Update(0, castagnoli, b[:24])
	return crc32.Update(sum, castagnoli, b[headSize:headSize+length])
}

// record is one that was read.
type record struct {
	id, lsn uint64
	body    []byte
	at      int // where in the file
}

// size is what it takes of the file.
func (r *record) size() int { return (headSize + len(r.body) + slotSize - 1) / slotSize * slotSize }

// openRecord reads the record that b begins with, and says whether it is whole.
func openRecord(b []byte) (r record, ok bool) {
	if len(b) < headSize || binary.LittleEndian.Uint32(b) != recordMagic {
		return r, false
	}
	length := int64(binary.LittleEndian.Uint32(b[4:]))
	if length > int64(len(b)-headSize) || binary.LittleEndian.Uint32(b[24:]) != checksum(b) {
		return r, false
	}
	return record{id: binary.LittleEndian.Uint64(b[8:]), lsn: binary.LittleEndian.Uint64(b[16:]), body: b[headSize : headSize+length]}, true
}

// appendRow adds a row to a record.
func appendRow(b []byte, s statement, row []value) []byte {
	b = append(b, byte(s), byte(len(row)))
	for i := range row {
		v := &row[i]
		b = append(b, v.kind)
		switch v.kind {
		case argInt:
			b = binary.AppendVarint(b, v.number)
		case argText:
			b = append(binary.AppendUvarint(b, uint64(len(v.text))), v.text...)
		case argBlob:
			b = append(binary.AppendUvarint(b, uint64(len(v.blob))), v.blob...)
		}
	}
	return b
}

var errBadRow = errors.New("a record of the redo log is no list of rows")

// eachRow reads the rows of a record.
func eachRow(body []byte, run runRow) error {
	var row []value
	for len(body) > 0 {
		if len(body) < 2 {
			return errBadRow
		}
		s, n := statement(body[0]), body[1]
		row, body = row[:0], body[2:]
		for range n {
			v, rest, ok := readValue(body)
			if !ok {
				return errBadRow
			}
			row, body = append(row, v), rest
		}
		if err := run(s, row); err != nil {
			return err
		}
	}
	return nil
}

func readValue(b []byte) (v value, rest []byte, ok bool) {
	if len(b) == 0 {
		return v, nil, false
	}
	switch v.kind, b = b[0], b[1:]; v.kind {
	case argNull:
		return v, b, true
	case argInt:
		number, n := binary.Varint(b)
		if n <= 0 {
			return v, nil, false
		}
		return intValue(number), b[n:], true
	case argText, argBlob:
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return v, nil, false
		}
		content, rest := b[n:n+int(size)], b[n+int(size):]
		if v.kind == argText {
			return textValue(string(content)), rest, true
		}
		return blobValue(content), rest, true
	}
	return v, nil, false
}
