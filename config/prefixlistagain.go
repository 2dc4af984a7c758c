package config

import (
	"slices"
	"sort"
	"strings"
)

// plainMemory is what a load keeps of its prefix lists for the next one: a
// reload reads only the lines that changed.
type plainMemory struct {
	base      entry                    // [defaults.prefix]
	lists     map[string]prefixList    // by file name
	byText    map[string]*PrefixPolicy // by origins as written; nil if they are wrong
	byOrigins map[string]*PrefixPolicy // by origins as meant
	policies  int                      // of the latest load that took nothing over
}

// worn says that most of the policies may be those of lines that are gone.
func (m *plainMemory) worn() bool { return len(m.byText) > 2*m.policies+1000 }

// prefixList is a file of registrations as it was read.
type prefixList struct {
	content    string
	connection string
	from, to   int // where its registrations stand, in the order of their lines
}

// kept is where registrations stand that were taken over from the previous
// load, in which none stood twice.
type kept struct{ from, to int }

// addList takes from the previous load what the list begins and ends with as it
// did then, and reads the lines between.
func (p *plainLists) addList(list prefixList, at Pos) {
	name, from := at.File, len(p.cfg.Prefixes)
	was, known := p.before[name]
	delete(p.before, name)
	head, tail := 0, 0
	var read []Registration
	if known && was.connection == list.connection {
		head, tail = commonLines(was.content, list.content)
		read = p.Previous.Prefixes[was.from:was.to]
	}
	end := len(list.content) - tail
	first := int32(strings.Count(list.content[:head], "\n"))
	p.cfg.Prefixes = slices.Grow(p.cfg.Prefixes, len(read)+strings.Count(list.content[head:end], "\n")+1)
	p.keep(read[:lineAfter(read, first)], 0)
	at.Line = first
	p.addLines(list.content[head:end], at, list.connection)
	last := int32(strings.Count(was.content[:len(was.content)-tail], "\n"))
	if tail > 0 {
		now := first + int32(strings.Count(list.content[head:end], "\n"))
		p.keep(read[lineAfter(read, last):], now-last)
	}
	list.from, list.to = from, len(p.cfg.Prefixes)
	p.lists[name] = list
}

// keep takes registrations over, whose lines may have moved.
func (p *plainLists) keep(list []Registration, moved int32) {
	if len(list) == 0 {
		return
	}
	from := len(p.cfg.Prefixes)
	p.cfg.Prefixes = append(p.cfg.Prefixes, list...)
	if moved != 0 {
		for i := from; i < len(p.cfg.Prefixes); i++ {
			p.cfg.Prefixes[i].Pos.Line += moved
		}
	}
	p.kept = append(p.kept, kept{from, len(p.cfg.Prefixes)})
}

// lineAfter is the index of the first registration behind a line.
func lineAfter(list []Registration, line int32) int {
	return sort.Search(len(list), func(i int) bool { return list[i].Pos.Line > line })
}

// commonLines says how many bytes two texts have in common at their beginning,
// and at their end behind that, in whole lines.
func commonLines(a, b string) (head, tail int) {
	head = commonPrefix(a, b)
	head = strings.LastIndexByte(a[:head], '\n') + 1
	a, b = a[head:], b[head:]
	tail = commonSuffix(a, b)
	if tail == len(a) && tail == len(b) {
		return head, tail
	}
	begun := strings.IndexByte(a[len(a)-tail:], '\n') + 1 // a line must begin there in both
	if begun == 0 {
		return head, 0
	}
	return head, tail - begun
}

const block = 1 << 12 // compared at once

func commonPrefix(a, b string) (n int) {
	most := min(len(a), len(b))
	for n+block <= most && a[n:n+block] == b[n:n+block] {
		n += block
	}
	for n < most && a[n] == b[n] {
		n++
	}
	return n
}

func commonSuffix(a, b string) (n int) {
	most := min(len(a), len(b))
	for n+block <= most && a[len(a)-n-block:len(a)-n] == b[len(b)-n-block:len(b)-n] {
		n += block
	}
	for n < most && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}
