package schema

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxYAML bounds a questionnaire or standard file.
const maxYAML = 2 << 20

// node is a piece of a YAML file that remembers where it stands. The files are read through it instead of by
// reflection so that every fault is found with its line, not only the first.
type node struct {
	file    string
	ast     ast.Node
	to      *Problems
	anchors map[string]ast.Node // "&support" … "*support": answers said once and used again
}

// field is one key of a mapping with its value.
type field struct {
	key  string
	line int
	node node
}

// mapping is the fields of a mapping in file order.
type mapping struct {
	node
	fields []field
}

// readYAML parses a file; ok is false when it is not YAML at all.
func readYAML(file string, data []byte, to *Problems) (node, bool) {
	if len(data) > maxYAML {
		to.add(file, 0, "too_big", maxYAML)
		return node{}, false
	}
	parsed, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line := 0
		var at interface {
			error
			GetToken() *token.Token
			GetMessage() string
		}
		what := err.Error()
		if errors.As(err, &at) {
			what = at.GetMessage()
			if tk := at.GetToken(); tk != nil && tk.Position != nil {
				line = tk.Position.Line
			}
		}
		to.add(file, line, "syntax", what)
		return node{}, false
	}
	if len(parsed.Docs) != 1 || parsed.Docs[0].Body == nil {
		to.add(file, 0, "syntax", "one document expected")
		return node{}, false
	}
	n := node{file: file, ast: parsed.Docs[0].Body, to: to, anchors: map[string]ast.Node{}}
	ast.Walk(anchorFinder(n.anchors), n.ast)
	return n.at(n.ast), true
}

type anchorFinder map[string]ast.Node

func (f anchorFinder) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok {
		f[a.Name.GetToken().Value] = a.Value
	}
	return f
}

// at is another place of the same file; an alias leads to what it stands for. An unknown one stays as it is and is
// reported as the wrong shape.
func (n node) at(a ast.Node) node {
	for range 2 { // the value of an anchor may itself be an alias, not more
		switch v := a.(type) {
		case *ast.AnchorNode:
			a = v.Value
		case *ast.AliasNode:
			if to := n.anchors[v.Value.GetToken().Value]; to != nil {
				a = to
			}
		}
	}
	n.ast = a
	return n
}

func (n node) line() int {
	if n.ast == nil {
		return 0
	}
	if m, ok := n.ast.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return m.Values[0].Key.GetToken().Position.Line
	}
	if tk := n.ast.GetToken(); tk != nil && tk.Position != nil {
		return tk.Position.Line
	}
	return 0
}

func (n node) problem(code string, args ...any) { n.to.add(n.file, n.line(), code, args...) }

// mapping reads the node as key: value. A nil allowed list takes any key.
func (n node) mapping(what string, allowed []string) mapping {
	m := mapping{node: n}
	var values []*ast.MappingValueNode
	switch v := n.ast.(type) {
	case *ast.MappingNode:
		values = v.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{v}
	default:
		n.problem("shape", what, "các mục “tên: giá trị”", "keys with values")
		return m
	}
	for _, v := range values {
		key := keyText(v.Key)
		line := v.Key.GetToken().Position.Line
		if allowed != nil && !slices.Contains(allowed, key) {
			n.to.add(n.file, line, "key_unknown", key)
			continue
		}
		if slices.ContainsFunc(m.fields, func(f field) bool { return f.key == key }) {
			n.to.add(n.file, line, "key_twice", key)
			continue
		}
		m.fields = append(m.fields, field{key, line, n.at(v.Value)})
	}
	return m
}

func keyText(k ast.MapKeyNode) string {
	if s, ok := k.(*ast.StringNode); ok {
		return s.Value
	}
	return strings.TrimSpace(k.GetToken().Value)
}

// get returns the value of a key; ok is false when it is absent or empty.
func (m mapping) get(key string) (node, bool) {
	for _, f := range m.fields {
		if f.key == key {
			_, null := f.node.ast.(*ast.NullNode)
			return f.node, !null
		}
	}
	return node{}, false
}

// need is get that reports what is missing.
func (m mapping) need(key string) (node, bool) {
	n, ok := m.get(key)
	if !ok {
		m.problem("key_missing", key)
	}
	return n, ok
}

// list reads the node as a list; nil with a problem otherwise.
func (n node) list(what string) []node {
	seq, ok := n.ast.(*ast.SequenceNode)
	if !ok {
		n.problem("shape", what, "một danh sách (“- …”)", "a list (“- …”)")
		return nil
	}
	out := make([]node, len(seq.Values))
	for i, v := range seq.Values {
		out[i] = n.at(v)
	}
	return out
}

// text reads a scalar as a string.
func (n node) text(what string) string {
	switch v := n.ast.(type) {
	case *ast.StringNode:
		return v.Value
	case *ast.LiteralNode:
		return strings.TrimSpace(v.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.ast.GetToken().Value
	}
	n.problem("shape", what, "một dòng chữ", "a text")
	return ""
}

func (m mapping) text(key string) string {
	n, ok := m.get(key)
	if !ok {
		return ""
	}
	return n.text(key)
}

// oneOf reads a text that must be one of a few.
func (m mapping) oneOf(key string, allowed ...string) string {
	n, ok := m.get(key)
	if !ok {
		return ""
	}
	s := n.text(key)
	if !slices.Contains(allowed, s) {
		n.problem("value_unknown", s, strings.Join(allowed, ", "))
	}
	return s
}

func (m mapping) flag(key string, otherwise bool) bool {
	n, ok := m.get(key)
	if !ok {
		return otherwise
	}
	b, ok := n.ast.(*ast.BoolNode)
	if !ok {
		n.problem("value_unknown", n.ast.GetToken().Value, "true, false")
		return otherwise
	}
	return b.Value
}

// number reads a plain number, e.g. 1500000 or 0.5.
func (n node) number(what string) float64 {
	switch n.ast.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		if f, err := strconv.ParseFloat(strings.ReplaceAll(n.ast.GetToken().Value, "_", ""), 64); err == nil {
			return f
		}
	}
	n.problem("shape", what, "một số", "a number")
	return 0
}

func (m mapping) whole(key string) int64 {
	n, ok := m.get(key)
	if !ok {
		return 0
	}
	f := n.number(key)
	if f != float64(int64(f)) {
		n.problem("shape", key, "một số nguyên", "a whole number")
	}
	return int64(f)
}

func (m mapping) texts(key string) []string {
	n, ok := m.get(key)
	if !ok {
		return nil
	}
	var out []string
	for _, item := range n.list(key) {
		out = append(out, item.text(key))
	}
	return out
}

// wording reads a Text with both languages; need says whether it may be absent.
func (m mapping) wording(key string, need bool) Text {
	n, ok := m.get(key)
	if !ok {
		if need {
			m.problem("label_missing", key, "vi")
			m.problem("label_missing", key, "en")
		}
		return nil
	}
	return n.wording(key)
}

func (n node) wording(what string) Text {
	t := Text{}
	for _, f := range n.mapping(what, nil).fields {
		if !isLanguage(f.key) {
			n.to.add(n.file, f.line, "key_unknown", f.key)
			continue
		}
		t[f.key] = f.node.text(what)
	}
	n.checkLanguages(what, t)
	return t
}

func (n node) checkLanguages(what string, t Text) {
	for _, lang := range []string{"vi", "en"} {
		if strings.TrimSpace(t[lang]) == "" {
			n.problem("label_missing", what, lang)
		}
	}
}

// isLanguage accepts tags of two or three lower-case letters: vi, en, tyz (Tày), nut (Nùng), hmn (Mông).
func isLanguage(s string) bool {
	return (len(s) == 2 || len(s) == 3) && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == ""
}
