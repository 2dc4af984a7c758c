package config

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const serial1 = `# inferred clique: 3356 1299
# IXP ASes: 6695 1200 6695 x
3356|64500|-1
64500|64501|-1
64501|64502|0
`

// bzipped is serial1, as bzip2 packs it.
const bzipped = "QlpoOTFBWSZTWQEuv0kAAAhfgAAQSAJ/MCAgSEAPJTpEIABUNU9T1HkjQMRoDyglIjEYCABoQZ64hGQyr9VNefI2d6CyZMWRFLdQ" +
	"khQqhcYxQiJQouW0RqyCu/B3u/nbI3zBcA6c9SmZ/i7kinChIAJdfpI="

func readable1() *Relationships {
	return &Relationships{
		File:  "rel",
		Links: []ASLink{{3356, 64500, false}, {64500, 64501, false}, {64501, 64502, true}},
		IXPs:  []uint32{1200, 6695},
	}
}

func loadRelationships(t *testing.T, content string) (*Config, []Problem) {
	t.Helper()
	return Load(files("a.toml", daemonTable+"[detect]\nrelationships = \"rel\"\n", "rel", content), "a.toml")
}

func TestRelationshipsInEveryForm(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprint(z, serial1)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	bz, err := base64.StdEncoding.DecodeString(bzipped)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"serial-1":       serial1,
		"serial-2":       strings.NewReplacer("|-1\n", "|-1|bgp\n", "|0\n", "|0|mlp\n").Replace(serial1),
		"turned peers":   strings.Replace(serial1, "64501|64502|0", "64502|64501|0", 1),
		"twice the same": serial1 + "64502|64501|0\n3356|64500|-1",
		"CRLF":           "\ufeff" + strings.ReplaceAll(serial1, "\n", "\r\n") + "\r\n\r\n",
		"gzip":           zipped.String(),
		"bzip2":          string(bz),
	} {
		t.Run(name, func(t *testing.T) {
			cfg, problems := loadRelationships(t, content)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			if got := cfg.Detect.Relationships; !reflect.DeepEqual(got, readable1()) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestRelationshipsThatAreWrong(t *testing.T) {
	for content, want := range map[string]string{
		"1|2":                      `rel:1:1: "1|2" is no relationship; write PROVIDER|CUSTOMER|-1 or PEER|PEER|0, with AS numbers`,
		"# x\n1|4294967296|-1":     `rel:2:1: "1|4294967296|-1" is no relationship; write PROVIDER|CUSTOMER|-1 or PEER|PEER|0, with AS numbers`,
		"0|2|0":                    `rel:1:1: "0|2|0" is no relationship; write PROVIDER|CUSTOMER|-1 or PEER|PEER|0, with AS numbers`,
		"7|7|0":                    `rel:1:1: "7|7|0" is no relationship; write two different AS numbers`,
		"1|2|2":                    `rel:1:1: "1|2|2" is no relationship; write -1 (provider and customer) or 0 (peers) in the third column; siblings belong into detect.siblings`,
		"1|2|-1\n3|4|0\n2|1|-1":    "rel:3:1: AS2 and AS1 are something else to each other in line 1; keep one of the two",
		"1|2|-1\n2|1|0":            "rel:2:1: AS1 and AS2 are something else to each other in line 1; keep one of the two",
		"\x1f\x8bxx":               "a.toml:6:17: relationships names rel, which cannot be read: unexpected EOF; fetch it again",
		"BZhxx":                    "a.toml:6:17: relationships names rel, which cannot be read: bzip2 data invalid: invalid compression level; fetch it again",
		strings.Repeat("1", 1<<21): "a.toml:6:17: relationships names rel, which cannot be read: bufio.Scanner: token too long; fetch it again",
	} {
		cfg, problems := loadRelationships(t, content)
		if cfg != nil || len(problems) != 1 || problems[0].String() != want {
			t.Errorf("%.40q:\n got %v\nwant %s", content, problems, want)
		}
	}
}

// FuzzASRel reads any bytes: it never panics, and what it accepts is sorted, each pair once.
func FuzzASRel(f *testing.F) {
	f.Add([]byte(serial1))
	f.Add([]byte("1|2|-1|bgp\r\n2|1|0\n\n# IXP ASes:\n#\n|||\n4294967295|1|0"))
	f.Fuzz(func(t *testing.T, data []byte) {
		plain, err := unpacked(bytes.NewReader(data))
		if err != nil {
			return
		}
		r, err := readASRel(plain, func(line int32, text string) {
			if line < 1 || text == "" {
				t.Errorf("line %d: %q", line, text)
			}
		})
		if err != nil {
			return
		}
		for i, link := range r.Links {
			if link.A == 0 || link.B == 0 || link.A == link.B || i > 0 && r.Links[i-1].compare(link) >= 0 {
				t.Errorf("link %d: %v", i, link)
			}
		}
	})
}
