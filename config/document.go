package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxFile bounds each file that is read. A million registered prefixes take
// some 20 MB.
const maxFile = 512 << 20

// read returns the content of a file and its mode.
func (l *loading) read(name string) (string, fs.FileMode, error) {
	f, err := l.fs.Open(name)
	if err != nil {
		return "", 0, cause(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	if info.IsDir() {
		return "", 0, errors.New("it is a folder")
	}
	var b strings.Builder
	b.Grow(int(min(max(info.Size(), 0), maxFile)) + 1)
	if _, err := io.Copy(&b, io.LimitReader(f, maxFile+1)); err != nil {
		return "", 0, err
	}
	if b.Len() > maxFile {
		return "", 0, fmt.Errorf("it is larger than %d MB", maxFile>>20)
	}
	return b.String(), info.Mode(), nil
}

// cause leaves out the operation and the path, which the message names.
func cause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// document reads one TOML file. A file that cannot be read, or whose syntax
// is wrong, is reported and left out; the configuration is then incomplete,
// and what only its absence breaks is not reported.
func (l *loading) document(name string) (value, bool) {
	f := &file{name: name, dir: filepath.Dir(name)}
	l.files = append(l.files, name)
	text, _, err := l.read(name)
	if err != nil {
		return l.refuse(f, place{1, 1}, fmt.Sprintf("cannot read it: %v", err))
	}
	return l.parse(f, strings.TrimPrefix(text, "\ufeff"))
}

func (l *loading) parse(f *file, text string) (value, bool) {
	for _, mark := range []string{"\ufeff", "\xff\xfe", "\xfe\xff"} {
		if strings.HasPrefix(text, mark) { // the library would skip it, and the scanner not
			return l.refuse(f, place{1, 1}, "the file begins with a byte order mark of UTF-16, or with two; save it as UTF-8")
		}
	}
	root, refused := scan(text, nil)
	if refused != nil && refused.tooDeep {
		return l.refuse(f, refused.at, refused.text)
	}
	raw, err := decode(text)
	if err != nil {
		at, message := syntaxError(text, err)
		if refused == nil || at.before(refused.at) {
			return l.refuse(f, at, message)
		}
	}
	if refused != nil {
		return l.refuse(f, refused.at, refused.text)
	}
	return value{raw: raw, mark: root, file: f}, true
}

// refuse reports a file that cannot be used as a whole.
func (l *loading) refuse(f *file, at place, message string) (value, bool) {
	l.incomplete = true
	l.fail(f.pos(at), "%s", message)
	return value{}, false
}

// decode guards the library: what it panics on must not end a daemon that
// was only asked to reload.
func decode(text string) (raw map[string]any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the TOML library cannot read this file: %v", r)
		}
	}()
	_, err = toml.Decode(text, &raw)
	return raw, err
}

// syntaxError places an error of the library by its byte offset: its line is
// off by one at line ends, and its column counts bytes.
func syntaxError(text string, err error) (place, string) {
	at := place{1, 1}
	var syntax toml.ParseError
	if !errors.As(err, &syntax) {
		return at, err.Error()
	}
	for i := 0; i < min(max(syntax.Position.Start, 0), len(text)-1); i++ {
		at = at.after(text[i])
	}
	message := strings.TrimSuffix(syntax.Message, ".")
	message = strings.Replace(message, "Key '", "key '", 1)
	message = strings.Replace(message, `'\x00' instead`, "the end of the file", 1) // octets that are zero it refuses as such
	for _, m := range mends {
		if strings.Contains(message, m.about) {
			return at, message + "; " + m.mend
		}
	}
	return at, message
}

// mends says for the commonest syntax errors what would be right.
var mends = [...]struct{ about, mend string }{
	{"strings cannot contain newlines", `close the string with its quote on the same line`},
	{"already been defined", `keep one of the two`},
	{"cannot be used as an array", `write every such table as [[…]], or none`},
	{"expected value but found", `text stands in quotes: "…"`},
	{"Invalid float value", `text stands in quotes, addresses and prefixes too: "…"`},
	{"invalid datetime", `text stands in quotes, addresses and prefixes too: "…"`},
	{"expected a top-level item", `text stands in quotes, and each key on its own line`},
	{"to end table name", `close it with ], or ]] where it began with [[`},
	{"expected '.' or '='", `write it as key = value`},
	{"expected a comma", `separate values with commas and close the list`},
	{"invalid escape", `write \\ for a backslash, or use '…' quotes`},
	{"invalid UTF-8", `save the file as UTF-8`},
	{"NULL bytes", `save the file as UTF-8`},
	{"leading zero", `write it without them`},
	{"unexpected EOF", `something before it is not closed`},
}
