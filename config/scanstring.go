package config

import (
	"strconv"
	"strings"
)

// keyPath reads the parts of a dotted key up to the byte that must follow,
// and leaves that byte to the caller. None means that the scan has stopped.
func (s *scanner) keyPath(end byte) []string {
	var parts []string
	for {
		s.spaces()
		part, ok := s.keyPart()
		if !ok {
			s.stopped = true
			return nil
		}
		parts = append(parts, part)
		s.spaces()
		switch s.peek() {
		case '.':
			s.step(1)
		case end:
			return parts
		default:
			s.stopped = true
			return nil
		}
	}
}

func (s *scanner) keyPart() (string, bool) {
	if c := s.peek(); c == '"' || c == '\'' {
		raw := s.quoted()
		if s.stopped || len(raw) < 2 {
			return "", false
		}
		inner := raw[1 : len(raw)-1]
		if c == '"' {
			inner = unescape(inner)
		}
		return inner, true
	}
	start := s.off
	for isBareKey(s.peek()) {
		s.step(1)
	}
	return s.text[start:s.off], s.off > start
}

func isBareKey(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// quoted reads a string of any of the four kinds, quotes included.
func (s *scanner) quoted() string {
	start, quote := s.off, s.peek()
	if s.peekAt(1) == quote && s.peekAt(2) == quote {
		s.step(3)
		s.multiline(quote)
		return s.text[start:s.off]
	}
	s.step(1)
	for !s.done() && s.peek() != quote && s.peek() != '\n' {
		s.character(quote)
	}
	s.expect(quote)
	return s.text[start:s.off]
}

// multiline reads up to the closing quotes. Two more may stand before them as
// part of the string.
func (s *scanner) multiline(quote byte) {
	for !s.done() {
		if s.peek() != quote {
			s.character(quote)
			continue
		}
		run := 0
		for s.peek() == quote && !s.done() {
			s.step(1)
			run++
		}
		if run >= 3 {
			return
		}
	}
	s.stopped = true
}

// character passes one character, or an escape and what it protects.
func (s *scanner) character(quote byte) {
	if quote == '"' && s.peek() == '\\' {
		s.step(1)
	}
	s.step(1)
}

// unescape resolves the escapes of a basic string. What is no escape stays as
// it is: the library has refused it already.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[text[i]]
		if width == 0 {
			b.WriteByte(plainEscape(text[i]))
			continue
		}
		digits := text[i+1 : min(i+1+width, len(text))]
		code, _ := strconv.ParseUint(digits, 16, 32)
		b.WriteRune(rune(code))
		i += len(digits)
	}
	return b.String()
}

func plainEscape(c byte) byte {
	const escapes, meanings = "btnfre", "\b\t\n\f\r\x1b"
	if i := strings.IndexByte(escapes, c); i >= 0 {
		return meanings[i]
	}
	return c
}
