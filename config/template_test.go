package config

import (
	"encoding/json"
	"strings"
	"testing"
)

func render(t *testing.T, text, body string) string {
	t.Helper()
	compiled, err := CompileTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	out, err := compiled.Execute([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestTemplateEscapes(t *testing.T) {
	const body = `{"s": "a \"b\" <c> & é \\ \n \u0007", "n": 12, "f": 1.5, "b": true, "z": null, "l": ["x", "\""], "o": {"k": "v"}}`
	for text, want := range map[string]string{
		`"{{.s}}"`:                  `"a \"b\" <c> & é \\ \n \u0007"`,
		`"{{.s | printf "%.3s|"}}"`: `"a \"|"`,
		`[{{.n}}, {{.f}}, {{.b}}]`:  `[12, 1.5, true]`,
		`"{{.n}} {{.z}}"`:           `"12 "`,
		`{{json .s}}`:               `"a \"b\" <c> & é \\ \n \u0007"`,
		`{{.l | json}}`:             `["x","\""]`,
		`{{json .}}`:                `{"b":true,"f":1.5,"l":["x","\""],"n":12,"o":{"k":"v"},"s":"a \"b\" <c> & é \\ \n \u0007","z":null}`,
		`"{{raw .o.k}}"`:            `"v"`,
		`"{{range $i, $e := .l}}{{$i}}{{$e}};{{end}}"`:                 `"0x;1\";"`,
		`"{{with .s}}{{.}}{{else}}none{{end}}"`:                        `"a \"b\" <c> & é \\ \n \u0007"`,
		`"{{if gt .n 3}}{{.s}}{{end}}"`:                                `"a \"b\" <c> & é \\ \n \u0007"`,
		`{{define "q"}}{{.}}{{end}}"{{template "q" .s}}"`:              `"a \"b\" <c> & é \\ \n \u0007"`,
		`"{{$x := .s}}{{$x = index .l 1}}{{$x}}"`:                      `"\""`,
		`"{{index .o "none"}}"`:                                        `""`,
		`"{{range .l}}{{if eq . "x"}}{{continue}}{{end}}{{.}}{{end}}"`: `"\""`,
	} {
		if got := render(t, text, body); got != want {
			t.Errorf("%s gives %s, want %s", text, got, want)
		}
	}
}

func TestTemplateThatMakesTooMuch(t *testing.T) {
	compiled, err := CompileTemplate(`"{{define "r"}}{{range .l}}{{range $.l}}{{.}}{{end}}{{end}}{{end}}{{template "r" .}}"`)
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Repeat(`"0123456789",`, 2000)
	if _, err := compiled.Execute([]byte(`{"l": [` + list[:len(list)-1] + `]}`)); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("got %v", err)
	}
}

// Whatever values a notice has, a template that is JSON for one stays JSON for all.
func FuzzTemplateEscapes(f *testing.F) {
	f.Add(`a "b" \ </script> ` + "\x00\xff\u2028")
	compiled, err := CompileTemplate(`{"{{.s}}": "{{.s}} {{printf "%q" .s}}", "j": {{json .s}}}`)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		body, err := json.Marshal(map[string]string{"s": s})
		if err != nil {
			t.Fatal(err)
		}
		out, err := compiled.Execute(body)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		var back map[string]string
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if want := strings.ToValidUTF8(s, "\uFFFD"); s == want && back["j"] != s {
			t.Errorf("%q came back as %q", s, back["j"])
		}
	})
}

// What a template says is never a reason to panic.
func FuzzCompileTemplate(f *testing.F) {
	f.Add(`{"text": "{{.summary}}"}`)
	f.Add(`{{range .evidence.routes}}{{.as_path}}{{end}}`)
	f.Add(`{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 200 || strings.Count(text, "range") > 3 {
			return // what takes long is the administrator's own doing
		}
		_ = tryTemplate(text)
	})
}
