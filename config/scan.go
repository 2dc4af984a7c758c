package config

import (
	"fmt"
	"unicode/utf8"
)

// maxDepth bounds the nesting of arrays and inline tables. The TOML library
// recurses on both, so a file is scanned for its depth before it is decoded.
const maxDepth = 64

// place is a line and a column, both from 1.
type place struct{ line, col int32 }

func (p place) before(q place) bool {
	return p.line < q.line || p.line == q.line && p.col < q.col
}

// mark says where a key and its value stand, and what they hold.
type mark struct {
	key   place // the key; the header of a table; in an array the element itself
	at    place // the value
	table map[string]*mark
	list  []*mark
	whole bool // was given as a value, which no header or dotted key adds to
}

func (m *mark) put(name string, c *mark) {
	if m.table == nil {
		m.table = make(map[string]*mark)
	}
	m.table[name] = c
}

// scanner finds the positions of all keys and values of a TOML text, which
// the TOML library does not tell. It accepts every text that the library
// accepts, and more: where it meets what it cannot read, it stops, for there
// or earlier the library reports the syntax error.
type scanner struct {
	text    string
	off     int
	now     place
	stopped bool
	refusal *refusal
	seen    func(path []string, at place) // told of every key, in order
}

// refusal is what the library lets pass and should not: nesting that would
// exhaust its stack, and keys that it drops because they stand twice.
type refusal struct {
	at      place
	text    string
	tooDeep bool
}

// scan returns the marks of a text, or why it must be refused.
func scan(text string, seen func(path []string, at place)) (*mark, *refusal) {
	s := &scanner{text: text, now: place{1, 1}, seen: seen}
	root := &mark{key: s.now, at: s.now}
	s.document(root)
	return root, s.refusal
}

// child returns the table that a key leads to. Of an array of tables the last
// one is meant, as in the header [peer.labels] after [[peer]].
func (s *scanner) child(m *mark, name string, at place) *mark {
	c := m.table[name]
	if c == nil {
		c = &mark{key: at, at: at}
		m.put(name, c)
	}
	if c.whole {
		s.again(name, at)
	}
	if n := len(c.list); n > 0 {
		return c.list[n-1]
	}
	return c
}

// again refuses a key that has been defined already.
func (s *scanner) again(name string, at place) {
	s.refuse(refusal{at: at, text: fmt.Sprintf("key %q has already been defined; keep one of the two", clip(name))})
}

func (s *scanner) refuse(r refusal) {
	if s.refusal == nil {
		s.refusal, s.stopped = &r, true
	}
}

func (s *scanner) document(root *mark) {
	table, path := root, []string(nil)
	for s.blank(); !s.done(); s.blank() {
		if s.peek() == '[' {
			table, path = s.header(root)
		} else {
			s.keyValue(table, path, 0)
		}
	}
}

// header reads [a.b] or [[a.b]] and returns the table that it opens.
func (s *scanner) header(root *mark) (*mark, []string) {
	at := s.now
	s.step(1)
	repeated := s.peek() == '['
	if repeated {
		s.step(1)
	}
	path := s.keyPath(']')
	if len(path) == 0 {
		return root, nil
	}
	s.step(1)
	if repeated {
		s.expect(']')
	}
	s.tell(path, at)
	parent := root
	for _, part := range path[:len(path)-1] {
		parent = s.child(parent, part, at)
	}
	last := path[len(path)-1]
	if !repeated {
		table := s.child(parent, last, at)
		table.key, table.at = at, at
		return table, path
	}
	table := &mark{key: at, at: at}
	list := parent.table[last]
	if list == nil {
		list = &mark{key: at, at: at}
		parent.put(last, list)
	}
	if list.whole {
		s.again(last, at)
	}
	list.list = append(list.list, table)
	return table, path
}

// keyValue reads a.b = value into the table, whose own path is context.
func (s *scanner) keyValue(table *mark, context []string, depth int) {
	at := s.now
	parts := s.keyPath('=')
	if len(parts) == 0 {
		return
	}
	s.step(1)
	s.spaces()
	path := append(context[:len(context):len(context)], parts...)
	s.tell(path, at)
	for _, part := range parts[:len(parts)-1] {
		table = s.child(table, part, at)
	}
	m, last := &mark{key: at, whole: true}, parts[len(parts)-1]
	if table.table[last] != nil {
		s.again(last, at)
		return
	}
	table.put(last, m)
	s.value(m, path, depth)
}

func (s *scanner) value(m *mark, path []string, depth int) {
	m.at = s.now
	if depth > maxDepth {
		s.refuse(refusal{s.now, fmt.Sprintf("arrays and inline tables are nested more than %d deep; flatten them", maxDepth), true})
		return
	}
	switch s.peek() {
	case '"', '\'':
		s.quoted()
	case '[':
		s.array(m, path, depth+1)
	case '{':
		s.inlineTable(m, path, depth+1)
	default:
		s.bare()
	}
}

func (s *scanner) array(m *mark, path []string, depth int) {
	s.step(1)
	for s.separators(); !s.done() && s.peek() != ']'; s.separators() {
		e := &mark{key: s.now}
		m.list = append(m.list, e)
		s.value(e, path, depth)
	}
	s.expect(']')
}

func (s *scanner) inlineTable(m *mark, path []string, depth int) {
	s.step(1)
	for s.separators(); !s.done() && s.peek() != '}'; s.separators() {
		s.keyValue(m, path, depth)
	}
	s.expect('}')
}

// bare reads a number, a boolean or a date: all that stands before the next
// delimiter.
func (s *scanner) bare() {
	start := s.off
	for !s.done() && !isDelimiter(s.peek()) {
		s.step(1)
	}
	s.stopped = s.stopped || s.off == start
}

func isDelimiter(c byte) bool {
	switch c {
	case ',', ']', '}', '\n', '\r', '#', '"', '\'', '[', '{', '=':
		return true
	}
	return false
}

func (s *scanner) tell(path []string, at place) {
	if s.seen != nil && !s.stopped {
		s.seen(path, at)
	}
}

func (s *scanner) done() bool { return s.stopped || s.off >= len(s.text) }

// peek returns the next byte, 0 at the end.
func (s *scanner) peek() byte { return s.peekAt(0) }

func (s *scanner) peekAt(n int) byte {
	if s.off+n >= len(s.text) {
		return 0
	}
	return s.text[s.off+n]
}

// step goes n bytes on. Columns count characters, so the bytes that continue
// one do not count.
func (s *scanner) step(n int) {
	for ; n > 0 && s.off < len(s.text); n-- {
		s.now = s.now.after(s.text[s.off])
		s.off++
	}
}

func (p place) after(c byte) place {
	if c == '\n' {
		return place{p.line + 1, 1}
	}
	if utf8.RuneStart(c) {
		p.col++
	}
	return p
}

func (s *scanner) expect(c byte) {
	if s.peek() != c {
		s.stopped = true
		return
	}
	s.step(1)
}

func (s *scanner) spaces() {
	for s.peek() == ' ' || s.peek() == '\t' {
		s.step(1)
	}
}

// blank passes over white space, newlines and comments.
func (s *scanner) blank() { s.pass(false) }

// separators passes over commas too.
func (s *scanner) separators() { s.pass(true) }

func (s *scanner) pass(commas bool) {
	for !s.done() {
		switch c := s.peek(); {
		case c == ' ', c == '\t', c == '\n', c == '\r', c == ',' && commas:
			s.step(1)
		case c == '#':
			for !s.done() && s.peek() != '\n' {
				s.step(1)
			}
		default:
			return
		}
	}
}
