package config

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// plainLists reads the registrations that are nothing but a prefix, and
// perhaps its origins. There may be a million of them, so those of one policy
// share it.
type plainLists struct {
	*loading
	*plainMemory
	before map[string]prefixList // of the previous load, each to be used once
}

func newPlainLists(l *loading, base entry) *plainLists {
	p := &plainLists{loading: l, plainMemory: &plainMemory{
		base: base, lists: make(map[string]prefixList), byText: make(map[string]*PrefixPolicy), byOrigins: make(map[string]*PrefixPolicy),
	}}
	if was := l.Previous; was != nil && was.plain != nil && !was.plain.worn() && reflect.DeepEqual(was.plain.base, base) {
		p.before = maps.Clone(was.plain.lists)
		p.byText, p.byOrigins = maps.Clone(was.plain.byText), maps.Clone(was.plain.byOrigins)
		p.policies = was.plain.policies
	}
	l.cfg.plain = p.plainMemory
	return p
}

// add reads a list that a key holds, or that is in the file it names.
func (p *plainLists) add(v value, connection string) {
	if v.name == "prefixes" {
		p.addArray(v, connection)
		return
	}
	p.addFile(v, connection)
}

func (p *plainLists) addArray(v value, connection string) {
	items, ok := v.items()
	if !ok {
		wrong[[]string](p.loading, v, `a list of prefixes, ["203.0.113.0/24"]`)
		return
	}
	policy := p.policy("")
	if len(items) > 0 && policy == nil {
		p.fail(v.pos(), "these prefixes have no origins; write those of all of them as origins in [defaults.prefix]")
	}
	p.cfg.Prefixes = slices.Grow(p.cfg.Prefixes, len(items))
	for _, e := range items {
		if prefix, ok := registrable(p.loading, e); ok && policy != nil {
			p.cfg.Prefixes = append(p.cfg.Prefixes, Registration{prefix, policy, connection, e.pos()})
		}
	}
}

// addFile reads a prefix list: a prefix a line, its origins behind it if they
// are not those of [defaults.prefix], comments after "#".
func (p *plainLists) addFile(v value, connection string) {
	name, ok := filePath(p.loading, v)
	if !ok || name == "" {
		return
	}
	content, _, err := p.read(name)
	if err != nil {
		p.unreadable(v, name, err)
		return
	}
	p.filed(name)
	if strings.HasPrefix(content, "\xff\xfe") || strings.HasPrefix(content, "\xfe\xff") {
		p.fail(Pos{name, 1, 1}, "the list begins with a byte order mark of UTF-16; save it as UTF-8")
		return
	}
	p.addList(prefixList{content: strings.TrimPrefix(content, "\ufeff"), connection: connection}, Pos{File: name})
}

// addLines reads lines from the one after at.
func (p *plainLists) addLines(lines string, at Pos, connection string) {
	for line := range strings.Lines(lines) {
		at.Line++
		line, _, _ = strings.Cut(strings.TrimRight(line, "\r\n"), "#")
		if rest := strings.TrimLeft(line, blanks); rest != "" {
			at.Col = int32(len(line)-len(rest)) + 1
			p.addLine(rest, at, connection)
		}
	}
}

// blanks separate what stands on a line of a prefix list.
const blanks = " \t,"

func (p *plainLists) addLine(line string, at Pos, connection string) {
	word, origins := line, ""
	if i := strings.IndexAny(line, blanks); i >= 0 {
		word, origins = line[:i], strings.Trim(line[i:], blanks)
	}
	prefix, plain := plainIPv4(word)
	mend := ""
	if !plain {
		prefix, mend = parseRegistrable(word)
	}
	if mend != "" {
		p.fail(at, "%q is no prefix to register; write %s", clip(word), mend)
		return
	}
	if policy := p.policy(origins); policy != nil {
		p.cfg.Prefixes = append(p.cfg.Prefixes, Registration{prefix, policy, connection, at})
		return
	}
	switch _, bad := parseOrigins(origins); {
	case bad != "":
		before := line[:strings.LastIndex(line, origins)+indexWord(origins, bad)]
		at.Col += int32(utf8.RuneCountInString(before))
		p.fail(at, "%q is no origin of %s; write AS numbers behind the prefix, such as 64496", clip(bad), prefix)
	case origins != "":
		p.fail(at, `%s has origins, but expect = "absent" in [defaults.prefix]; remove one of the two`, prefix)
	default:
		p.fail(at, "%s has no origins; write them behind it, or for all as origins in [defaults.prefix]", prefix)
	}
}

// policy returns the one policy of all registrations with these origins, nil
// if they cannot be; "" are those of [defaults.prefix].
func (p *plainLists) policy(origins string) *PrefixPolicy {
	policy, known := p.byText[origins]
	if known {
		return policy
	}
	if origins == "" {
		policy = p.inherited()
	} else if list, bad := parseOrigins(origins); bad == "" && p.base.Expect != ExpectAbsent {
		policy = p.withOrigins(list)
	}
	p.byText[strings.Clone(origins)] = policy
	return policy
}

// inherited is the policy of [defaults.prefix] as it is.
func (p *plainLists) inherited() *PrefixPolicy {
	policy := p.base.PrefixPolicy
	if policy.AnyOrigin || policy.Expect == ExpectAbsent {
		policy.Origins = nil
		return &policy
	}
	if policy.Ignore {
		return &policy
	}
	if len(policy.Origins) == 0 {
		return nil
	}
	return p.withOrigins(policy.Origins)
}

func (p *plainLists) withOrigins(origins []uint32) *PrefixPolicy {
	id := fmt.Sprint(origins)
	if p.byOrigins[id] == nil {
		if p.before == nil {
			p.policies++
		}
		policy := p.base.PrefixPolicy
		policy.AnyOrigin, policy.Origins = false, origins
		p.byOrigins[id] = &policy
	}
	return p.byOrigins[id]
}

// parseOrigins reads AS numbers, ascending, or returns the word that is none.
func parseOrigins(s string) (list []uint32, bad string) {
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(blanks, r) }) {
		n, ok := parseASN(word)
		if !ok || isReservedASN(n) {
			return nil, word
		}
		list = append(list, n)
	}
	slices.Sort(list)
	return slices.Compact(list), ""
}

// indexWord finds a word among words.
func indexWord(words, word string) int {
	commas := func(r rune) rune {
		if strings.ContainsRune(blanks, r) {
			return ','
		}
		return r
	}
	return strings.Index(","+strings.Map(commas, words)+",", ","+word+",")
}

// plainIPv4 reads what most lines hold, and leaves to parseRegistrable what it
// does not know, and all that is wrong.
func plainIPv4(s string) (p netip.Prefix, ok bool) {
	var a [4]byte
	n, digits, octet := uint(0), 0, 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case '0' <= c && c <= '9' && (n > 0 || digits == 0):
			n, digits = n*10+uint(c-'0'), digits+1
		case digits > 0 && n <= 255 && (c == '.' && octet < 3 || c == '/' && octet == 3):
			a[octet], octet, n, digits = byte(n), octet+1, 0, 0
		default:
			return p, false
		}
		if digits > 3 {
			return p, false
		}
	}
	if octet != 4 || digits == 0 || n == 0 || n > 32 || a[0]&0xf0 == 224 || binary.BigEndian.Uint32(a[:])<<n != 0 {
		return p, false
	}
	return netip.PrefixFrom(netip.AddrFrom4(a), int(n)), true
}
