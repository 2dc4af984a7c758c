package config

import (
	"bufio"
	"cmp"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// relationshipsFile reads the file of AS relationships that a key names. ""
// is none.
func relationshipsFile(l *loading, v value) (*Relationships, bool) {
	name, ok := filePath(l, v)
	if !ok || name == "" {
		return nil, ok
	}
	f, err := l.fs.Open(name)
	if err != nil {
		l.unreadable(v, name, err)
		return nil, false
	}
	defer f.Close()
	plain, err := unpacked(f)
	if err != nil {
		l.unreadable(v, name, err)
		return nil, false
	}
	sound := true
	r, err := readASRel(plain, func(line int32, text string) {
		sound = false
		l.filed(name)
		l.fail(Pos{name, line, 1}, "%s", text)
	})
	if err != nil {
		l.unreadable(v, name, err)
		return nil, false
	}
	r.File = name
	return r, sound
}

// unpacked is the content of a file that may be compressed, which its first
// bytes tell.
func unpacked(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	magic, err := b.Peek(3)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case strings.HasPrefix(string(magic), "\x1f\x8b"):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, fmt.Errorf("%w; fetch it again", err)
		}
		return z, nil
	case string(magic) == "BZh":
		return bzip2.NewReader(b), nil
	}
	return b, nil
}

// What is read of a file of AS relationships at most. CAIDA's have some
// 700,000 links in 12 MB.
const (
	maxLinks     = 4 << 20
	maxASRelLine = 1 << 20
)

// asRelFile is a file of AS relationships while it is read.
type asRelFile struct {
	links  []numbered
	ixps   []uint32
	report func(line int32, text string)
}

type numbered struct {
	ASLink
	line int32
}

// readASRel reads AS relationships in CAIDA's forms serial-1 and serial-2: a
// link a line, "PROVIDER|CUSTOMER|-1" or "PEER|PEER|0", in serial-2 followed
// by its source; comments after "#", of which "# IXP ASes:" names exchanges.
// It reports each line that is wrong, and fails where it cannot read on.
func readASRel(r io.Reader, report func(line int32, text string)) (*Relationships, error) {
	f := asRelFile{report: report}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxASRelLine)
	for n := int32(1); lines.Scan(); n++ {
		if len(f.links) == maxLinks {
			return nil, fmt.Errorf("it has more than %d links", maxLinks)
		}
		f.line(n, strings.TrimSpace(lines.Text()))
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w; fetch it again", err)
	}
	return f.sorted(), nil
}

func (f *asRelFile) line(n int32, line string) {
	line = strings.TrimPrefix(line, "\ufeff")
	if exchanges, ok := strings.CutPrefix(line, "# IXP ASes:"); ok {
		f.exchanges(exchanges)
		return
	}
	if line == "" || line[0] == '#' {
		return
	}
	link, mend := parseASLink(line)
	if mend != "" {
		f.report(n, fmt.Sprintf("%q is no relationship; write %s", clip(line), mend))
		return
	}
	f.links = append(f.links, numbered{link, n})
}

// exchanges reads the header that names the ASNs of exchanges. It is a
// comment: a word that is none is passed over.
func (f *asRelFile) exchanges(list string) {
	for word := range strings.FieldsSeq(list) {
		if n, ok := parseASN(word); ok && n != 0 {
			f.ixps = append(f.ixps, n)
		}
	}
}

// parseASLink reads a line, or says what would be right.
func parseASLink(line string) (link ASLink, mend string) {
	a, rest, _ := strings.Cut(line, "|")
	b, rest, _ := strings.Cut(rest, "|")
	kind, _, _ := strings.Cut(rest, "|")
	left, okA := parseLinkASN(a)
	right, okB := parseLinkASN(b)
	switch {
	case !okA || !okB || kind == "":
		return link, "PROVIDER|CUSTOMER|-1 or PEER|PEER|0, with AS numbers"
	case left == right:
		return link, "two different AS numbers"
	case kind == "-1":
		return ASLink{left, right, false}, ""
	case kind == "0":
		return ASLink{min(left, right), max(left, right), true}, ""
	}
	return link, "-1 (provider and customer) or 0 (peers) in the third column; siblings belong into detect.siblings"
}

func parseLinkASN(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n != 0
}

// sorted leaves out what stands twice, and reports what contradicts itself.
func (f *asRelFile) sorted() *Relationships {
	slices.SortStableFunc(f.links, func(a, b numbered) int { return a.compare(b.ASLink) })
	r := &Relationships{IXPs: slices.Compact(slices.Sorted(slices.Values(f.ixps)))}
	r.Links = make([]ASLink, 0, len(f.links))
	for i, link := range f.links {
		if i == 0 || f.links[i-1].compare(link.ASLink) != 0 {
			r.Links = append(r.Links, link.ASLink)
			continue
		}
		if first := f.links[i-1]; first.ASLink != link.ASLink {
			f.report(link.line, fmt.Sprintf("AS%d and AS%d are something else to each other in line %d; keep one of the two",
				link.A, link.B, first.line))
		}
	}
	return r
}

// compare orders links by the ASes that they join, whoever is named first.
func (k ASLink) compare(other ASLink) int {
	return cmp.Or(cmp.Compare(min(k.A, k.B), min(other.A, other.B)), cmp.Compare(max(k.A, k.B), max(other.A, other.B)))
}
