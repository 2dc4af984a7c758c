package config

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func readReference(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("reference.toml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// An unset key in the reference is commented out without a blank.
var unsetKey = regexp.MustCompile(`(?m)^#([a-z_0-9]+ = )`)

// The reference is a configuration, with and without its unset keys.
func TestReferenceLoads(t *testing.T) {
	text := readReference(t)
	mustLoad(t, files("a.toml", text))
	mustLoad(t, files("a.toml", unsetKey.ReplaceAllString(text, "$1")))
}

// referenceKeys returns where each key of the reference stands, by table and
// key, with the unset ones set.
func referenceKeys(t *testing.T) (doc value, keys map[string][]value) {
	t.Helper()
	l := &loading{fs: files()}
	doc, ok := l.parse(&file{name: "reference.toml", dir: "."}, unsetKey.ReplaceAllString(readReference(t), "$1"))
	if !ok {
		t.Fatal(l.problems)
	}
	keys = make(map[string][]value)
	for _, section := range doc.keys() {
		v, _ := doc.get(section)
		tables, repeated := v.items()
		if !repeated {
			tables = []value{v}
		}
		for _, table := range tables {
			for _, name := range table.keys() {
				e, _ := table.get(name)
				keys[section+"."+name] = append(keys[section+"."+name], e)
			}
		}
	}
	return doc, keys
}

// Every key of every schema is in the reference, with its default, or as
// required. That the reference has no further key, its loading shows.
func TestReferenceIsComplete(t *testing.T) {
	doc, keys := referenceKeys(t)
	lines := strings.Split(readReference(t), "\n")
	for section, table := range allTables() {
		for _, row := range table.rows {
			found := keys[section+"."+row.name]
			if len(found) == 0 {
				t.Errorf("%s.%s is missing", section, row.name)
			}
			for _, v := range found {
				checkReferenceKey(t, lines[v.mark.key.line-1], section, row, v)
			}
		}
	}
	for _, e := range layout {
		if _, ok := doc.get(e.name); !ok {
			t.Errorf("%s is missing", e.name)
		}
	}
	for _, name := range incidentTypes {
		if !regexp.MustCompile(`(?m)^#  .*\b` + name + `\b`).MatchString(readReference(t)) {
			t.Errorf("the type %s is missing", name)
		}
	}
}

func checkReferenceKey(t *testing.T, line, section string, row row, v value) {
	l := &loading{fs: files(), incomplete: true}
	isDefault := row.isDefault(l, v)
	if len(l.problems) > 0 {
		t.Errorf("%s.%s: %v", section, row.name, l.problems)
	}
	switch unset, required := strings.HasPrefix(line, "#"), strings.HasSuffix(line, "# required"); {
	case row.required && !required:
		t.Errorf("%s.%s is required; the reference must say so", section, row.name)
	case !required && !unset && !isDefault:
		t.Errorf("%s.%s: the reference says %q, which is not the default", section, row.name, line)
	case unset && section != "asn" && isDefault:
		t.Errorf("%s.%s has the default that the reference shows; it need not be commented out", section, row.name)
	}
}

// What has no effect yet is marked so, and nothing else is.
func TestReferenceMarksWhatIsNotYetInEffect(t *testing.T) {
	_, keys := referenceKeys(t)
	lines := strings.Split(readReference(t), "\n")
	for name, found := range keys {
		section, _, _ := strings.Cut(name, ".")
		if section == "defaults" || slices.Contains(notYet, section) {
			continue
		}
		marked := strings.Contains(comment(lines, found[0].mark.key.line), "Not yet in effect.")
		if want := slices.Contains(notYet, name); marked != want {
			t.Errorf("%s: marked as not yet in effect: %t, want %t", name, marked, want)
		}
	}
	for _, name := range notYet {
		section, key, isKey := strings.Cut(name, ".")
		if _, ok := keys[name]; isKey && !ok && !strings.Contains(key, "=") {
			t.Errorf("notYet has %s, which is no key", name)
		}
		header := slices.IndexFunc(lines, func(line string) bool { return strings.Trim(line, "[]") == section })
		if header < 0 || !isKey && !strings.Contains(comment(lines, int32(header+1)), "Not yet in effect.") {
			t.Errorf("[%s] is not marked as not yet in effect", section)
		}
	}
}

// comment returns the comment above a line, which counts from 1, in one line.
func comment(lines []string, line int32) string {
	var text []string
	for i := int(line) - 2; i >= 0 && strings.HasPrefix(lines[i], "#") && !unsetKey.MatchString(lines[i]); i-- {
		text = append(text, strings.TrimPrefix(lines[i], "# "))
	}
	slices.Reverse(text)
	return strings.Join(text, " ")
}

// Every field of the types is filled by some key: there is no type that the
// schemas, and so the reference, do not know.
func TestEveryFieldHasAKey(t *testing.T) {
	cfg := mustLoad(t, everythingFiles())
	seen := make(map[string]bool)
	noteFields(reflect.ValueOf(*cfg), seen)
	if len(notYet) == 0 {
		delete(seen, "Config.NotInEffect")
	}
	for name, set := range seen {
		if !set {
			t.Errorf("%s is set nowhere", name)
		}
	}
}

// noteFields notes which fields of which types are not zero anywhere.
func noteFields(v reflect.Value, seen map[string]bool) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			noteFields(v.Index(i), seen)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			noteFields(v.Elem(), seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().PkgPath() == reflect.TypeFor[Config]().PkgPath() && v.Type().Field(i).IsExported() {
				name := v.Type().Name() + "." + v.Type().Field(i).Name
				seen[name] = seen[name] || !v.Field(i).IsZero()
				noteFields(v.Field(i), seen)
			}
		}
	}
}
