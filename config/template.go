package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"
)

// maxRendered bounds what a template makes of one notice.
const maxRendered = 1 << 20

// Template makes the body of a webhook out of a notice. Its values are the
// keys of the body notice.v1: {{.summary}}, {{.evidence.latency.shift_ms}}.
// What an action prints is escaped for the inside of a JSON string, but for
// what {{json …}} and {{raw …}} return. A key that does not exist is an error.
type Template struct{ root *template.Template }

// CompileTemplate reads a template. Channel.Template has passed it, and has
// been tried on every one of Samples.
func CompileTemplate(text string) (*Template, error) {
	root, err := template.New(templateName).Option("missingkey=error").Funcs(template.FuncMap{
		"json": asJSON, "raw": asItIs, escaper: escape,
	}).Parse(text)
	if err != nil {
		return nil, err
	}
	for _, t := range root.Templates() {
		if t.Tree != nil {
			escapeAll(t.Root)
		}
	}
	return &Template{root}, nil
}

const (
	templateName = "body"
	escaper      = "_escape" // no name that a template would think of
)

// Execute makes the body of one notice. What comes out is JSON, or an error.
func (t *Template) Execute(body []byte) ([]byte, error) {
	var data map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&data); err != nil {
		return nil, fmt.Errorf("the notice is no JSON object: %w", err)
	}
	var out limited
	if err := t.root.Execute(&out, numbers(data)); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), syntax(out.Bytes())
}

// syntax says where a text stops being JSON.
func syntax(text []byte) error {
	var any json.RawMessage
	err := json.Unmarshal(text, &any)
	bad, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return err
	}
	end := min(int(bad.Offset), len(text))
	return fmt.Errorf("what it makes is no JSON: %w after %q", err, text[max(0, end-40):end])
}

type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxRendered {
		return 0, fmt.Errorf("it makes more than %d bytes", maxRendered)
	}
	return l.Buffer.Write(p)
}

// numbers gives numbers the types that eq, lt and gt of a template take.
func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, e := range v {
			v[name] = numbers(e)
		}
	case []any:
		for i, e := range v {
			v[i] = numbers(e)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return int(n)
		}
		f, _ := v.Float64() // one out of range is ±Inf, and no JSON
		return f
	}
	return v
}

// escapeAll puts the escaper behind every action that prints.
func escapeAll(n parse.Node) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, e := range n.Nodes {
			escapeAll(e)
		}
	case *parse.IfNode:
		escapeBranches(&n.BranchNode)
	case *parse.RangeNode:
		escapeBranches(&n.BranchNode)
	case *parse.WithNode:
		escapeBranches(&n.BranchNode)
	case *parse.ActionNode:
		if len(n.Pipe.Decl) == 0 {
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{
				NodeType: parse.NodeCommand, Pos: n.Pos,
				Args: []parse.Node{parse.NewIdentifier(escaper).SetPos(n.Pos)},
			})
		}
	}
}

func escapeBranches(n *parse.BranchNode) {
	escapeAll(n.List)
	escapeAll(n.ElseList)
}

// ready is text that is not escaped any more.
type ready string

func asJSON(v any) (ready, error) {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return ready(strings.TrimSuffix(b.String(), "\n")), err
}

func asItIs(v any) ready { return ready(fmt.Sprint(v)) }

// escape is what an action prints, fit for the inside of a JSON string.
func escape(v any) (ready, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case ready:
		return v, nil
	case map[string]any, []any:
		return "", errors.New("this is a list or an object: put json before it, and leave out the quotes around the action")
	case string:
		quoted, err := asJSON(v)
		return quoted[1 : len(quoted)-1], err
	}
	return asJSON(v)
}
