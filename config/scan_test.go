package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"pgregory.net/rapid"
)

// checkScan holds the scanner against the library: for every text that the
// library reads, the same keys in the same order, each at a place in the text
// where that key can begin, and a mark for every value.
func checkScan(t interface{ Fatalf(string, ...any) }, text string) {
	var decoded map[string]any
	meta, err := toml.Decode(text, &decoded)
	if err != nil {
		scan(text, nil) // must not panic either
		return
	}
	var got []string
	lines := strings.Split(text, "\n")
	root, refused := scan(text, func(path []string, at place) {
		got = append(got, toml.Key(path).String())
		line := []rune(lines[at.line-1])
		if r := line[at.col-1]; r != '[' && r != '"' && r != '\'' && !isBareKey(byte(r)) {
			t.Fatalf("%s is said to be at %v, where %q stands\n%s", path, at, r, text)
		}
	})
	if refused != nil {
		return
	}
	var want []string
	for _, key := range meta.Keys() {
		want = append(want, key.String())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("keys\n got %v\nwant %v\n%s", got, want, text)
	}
	checkMarks(t, value{raw: decoded, mark: root, file: &file{}}, "")
}

func checkMarks(t interface{ Fatalf(string, ...any) }, v value, path string) {
	for _, name := range v.keys() {
		if v.mark.table[name] == nil {
			t.Fatalf("no mark for %s.%s", path, name)
		}
		child, _ := v.get(name)
		checkMarks(t, child, path+"."+name)
	}
	items, _ := v.items()
	if len(items) != len(v.mark.list) && len(items) > 0 {
		t.Fatalf("%d marks for the %d elements of %s", len(v.mark.list), len(items), path)
	}
	for i, e := range items {
		checkMarks(t, e, fmt.Sprintf("%s[%d]", path, i))
	}
}

func TestScanTexts(t *testing.T) {
	for _, text := range []string{
		"",
		"a = 1",
		"# only a comment",
		"a.b.c = 1\na.b.d = 2\n",
		"[a]\nb = 1\n[a.c]\n[[d]]\ne = 1\n[d.f]\ng = 2\n[[d]]\ne = 2\n",
		"[ a . b ]\n[[ c . d ]] # x\n",
		`"a.b"."c\u00e9\"\t".'d"' = 1`,
		"a = [1, [2, 3], # x ]\n {b = 1, c.d = [ {e = 2} ]},\n]\nf = 1",
		"a = {b = 1, c = {d = 2}, e = []}",
		"a = {\n b = 1, # x\n c = 2,\n}\n",
		"a = \"\"\"x\"y\"\"z\"\"\"\"\"\nb = 1",
		"a = '''x'y''z'''''\nb = 1",
		"a = \"\"\"\\\"\"\"\"\nb = \"\\\\\"\nc = \"\"\"\\\n  x\"\"\"",
		"a = 1979-05-27 07:32:00Z\nb = +1e3\nc = inf\nd = 0x_f",
		"a = \"\"\nb = ''\n\"\" = 1\n",
		"a = \"é€😀\", \nb = 1",
		"\té = 1",
		"a = 1\r\n[b]\r\nc = \"d\"\r\n",
	} {
		checkScan(t, text)
	}
}

// The library overlooks these, and drops one of the two.
func TestKeysThatStandTwice(t *testing.T) {
	for _, text := range []string{
		"log.level = \"info\"\nlog = 1\n",
		"x = {b = 1, c.a = 1, c = [1]}",
		"[log]\nlevel = \"info\"\nlevel = \"warn\"\n",
	} {
		if _, problems := Load(files("a.toml", text), "a.toml"); len(problems) != 1 {
			t.Errorf("%q: %v", text, problems)
		}
	}
}

func TestScanColumnsCountCharacters(t *testing.T) {
	root, _ := scan("a = { b = \"é\", c = [1,\n 2] }", nil)
	c := root.table["a"].table["c"]
	if c.key != (place{1, 16}) || c.at != (place{1, 20}) || c.list[1].at != (place{2, 2}) {
		t.Errorf("c: %+v, its second element: %+v", c, c.list[1])
	}
}

// tomlText draws documents out of everything that TOML allows in a key and a
// value. Some are refused for a key that stands twice.
func tomlText(t *rapid.T) string {
	var b strings.Builder
	key := rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b-1", "c_", `"d.e"`, `"\u00e9"`, "'f g'", "1"}), 1, 3).Draw(t, "key")
		return strings.Join(parts, rapid.SampledFrom([]string{".", " . "}).Draw(t, "dot"))
	})
	blank := rapid.SampledFrom([]string{"", " ", "\t"})
	gap := rapid.SampledFrom([]string{"", " ", "\n", " # c ]}\"\n", "\r\n"})
	for range rapid.IntRange(0, 8).Draw(t, "lines") {
		switch rapid.IntRange(0, 4).Draw(t, "line") {
		case 0:
			fmt.Fprintf(&b, "[%s]\n", key.Draw(t, "table"))
		case 1:
			fmt.Fprintf(&b, "[[%s]] # x = 1\n", key.Draw(t, "tables"))
		default:
			fmt.Fprintf(&b, "%s%s=%s%s\n", key.Draw(t, "key"), blank.Draw(t, "blank"), blank.Draw(t, "blank"), tomlValue(t, key, gap, 3))
		}
	}
	return b.String()
}

func tomlValue(t *rapid.T, key, gap *rapid.Generator[string], depth int) string {
	plain := []string{"1", "-2.5e3", "true", `"x\"]"`, `'y"#'`, "\"\"\"z\n\"\"\"\"", "'''\n'w'''''", "2026-11-22", "07:32:00", "{}", "[]", "nan"}
	shape := rapid.IntRange(0, 3).Draw(t, "shape")
	if depth == 0 || shape < 2 {
		return rapid.SampledFrom(plain).Draw(t, "plain")
	}
	var b strings.Builder
	open, closing := "[", "]"
	if shape == 3 {
		open, closing = "{", "}"
	}
	b.WriteString(open)
	n := rapid.IntRange(0, 3).Draw(t, "elements")
	for i := range n {
		b.WriteString(gap.Draw(t, "gap"))
		if shape == 3 {
			b.WriteString(key.Draw(t, "key") + " = ")
		}
		b.WriteString(tomlValue(t, key, gap, depth-1))
		b.WriteString(gap.Draw(t, "gap"))
		if i < n-1 || rapid.Bool().Draw(t, "trailing comma") {
			b.WriteString(",")
		}
	}
	return b.String() + closing
}

func TestScanProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkScan(t, tomlText(t)) })
}

func FuzzScan(f *testing.F) {
	f.Add("a.b = {c = [1, \"x\"]}\n[[d]]\n\"e\" = '''f'''\n")
	f.Fuzz(func(t *testing.T, text string) { checkScan(t, text) })
}

func TestTooDeepIsRefused(t *testing.T) {
	for _, open := range []string{"[", "{a="} {
		_, problems := Load(files("a.toml", "x = "+strings.Repeat(open, 1e6)), "a.toml")
		if len(problems) != 1 || problems[0].Line != 1 {
			t.Errorf("%v", problems)
		}
	}
}
