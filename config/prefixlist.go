package config

import (
	"fmt"
	"slices"
	"strings"
)

// plainLists reads the registrations that are nothing but a prefix, and
// perhaps its origins. There may be a million of them, so those of one policy
// share it.
type plainLists struct {
	*loading
	base      entry                    // [defaults.prefix]
	byText    map[string]*PrefixPolicy // by origins as written; nil if they are wrong
	byOrigins map[string]*PrefixPolicy // by origins as meant
}

func newPlainLists(l *loading, base entry) *plainLists {
	return &plainLists{l, base, make(map[string]*PrefixPolicy), make(map[string]*PrefixPolicy)}
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
	content = strings.TrimPrefix(content, "\ufeff")
	p.cfg.Prefixes = slices.Grow(p.cfg.Prefixes, strings.Count(content, "\n")+1)
	at := Pos{File: name}
	for line := range strings.Lines(content) {
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
	prefix, mend := parseRegistrable(word)
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
