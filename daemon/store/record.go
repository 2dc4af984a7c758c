package store

import (
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
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

// The types of arguments.
const (
	argNull = iota
	argInt
	argText
	argBlob
)

// appendRow adds a row to a record.
func appendRow(b []byte, s statement, args []any) ([]byte, error) {
	b = append(b, byte(s), byte(len(args)))
	for _, arg := range args {
		value, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return nil, err
		}
		switch v := value.(type) {
		case nil:
			b = append(b, argNull)
		case int64:
			b = binary.AppendVarint(append(b, argInt), v)
		case bool:
			b = append(b, argInt, 0)
			if v {
				b[len(b)-1] = 2 // 1, as AppendVarint writes it
			}
		case string:
			b = binary.AppendUvarint(append(b, argText), uint64(len(v)))
			b = append(b, v...)
		case []byte:
			if v == nil {
				b = append(b, argNull)
				continue
			}
			b = binary.AppendUvarint(append(b, argBlob), uint64(len(v)))
			b = append(b, v...)
		default:
			return nil, fmt.Errorf("a %T is no argument of a row", arg)
		}
	}
	return b, nil
}

var errBadRow = errors.New("a record of the redo log is no list of rows")

// eachRow reads the rows of a record.
func eachRow(body []byte, run func(s statement, args ...any) error) error {
	for len(body) > 0 {
		if len(body) < 2 {
			return errBadRow
		}
		s, args := statement(body[0]), make([]any, body[1])
		body = body[2:]
		for i := range args {
			var ok bool
			if args[i], body, ok = readArg(body); !ok {
				return errBadRow
			}
		}
		if err := run(s, args...); err != nil {
			return err
		}
	}
	return nil
}

func readArg(b []byte) (arg any, rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, nil, false
	}
	kind, b := b[0], b[1:]
	switch kind {
	case argNull:
		return nil, b, true
	case argInt:
		v, n := binary.Varint(b)
		if n <= 0 {
			return nil, nil, false
		}
		return v, b[n:], true
	case argText, argBlob:
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return nil, nil, false
		}
		value, rest := b[n:n+int(size)], b[n+int(size):]
		if kind == argText {
			return string(value), rest, true
		}
		return value, rest, true
	}
	return nil, nil, false
}
