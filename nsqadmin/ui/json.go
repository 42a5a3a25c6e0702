package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"strings"
)

// jsonDepth and jsonNodes bound the tree that a body is drawn as.
const (
	jsonDepth = 40
	jsonNodes = 5000
)

var errTooBig = errors.New("the tree is too large")

// drawJSON draws a body as a tree that can be folded; ok is false if it is not JSON.
func drawJSON(body []byte) (tree template.HTML, ok bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	t := &jsonTree{in: d}
	t.out.WriteString(`<div class="json">`)
	if t.value("", 0) != nil {
		return "", false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", false // there is more than one value
	}
	t.out.WriteString(`</div>`)
	return template.HTML(t.out.String()), true //nolint:gosec // all texts are escaped
}

type jsonTree struct {
	in    *json.Decoder
	out   strings.Builder
	nodes int
}

// value draws the next value behind its key, keeping the order of an object's keys.
func (t *jsonTree) value(key string, depth int) error {
	token, err := t.in.Token()
	if err != nil {
		return err
	}
	if t.nodes++; t.nodes > jsonNodes || depth > jsonDepth {
		return errTooBig
	}
	if _, ok := token.(json.Delim); !ok && key != "" {
		t.leaf("k", key+": ")
	}
	switch v := token.(type) {
	case json.Delim:
		return t.container(v, key, depth)
	case string:
		t.leaf("s", `"`+v+`"`)
	case json.Number:
		t.leaf("d", v.String())
	case bool:
		t.leaf("b", map[bool]string{true: "true", false: "false"}[v])
	default:
		t.leaf("b", "null")
	}
	return nil
}

func (t *jsonTree) leaf(class, text string) {
	t.out.WriteString(`<span class="` + class + `">` + template.HTMLEscapeString(text) + `</span>`)
}

func (t *jsonTree) container(open json.Delim, key string, depth int) error {
	word := "object"
	if open == '[' {
		word = "list"
	}
	if key != "" {
		word = key + ": " + word
	}
	t.out.WriteString(`<details open><summary class="k">` + template.HTMLEscapeString(word) + `</summary><ul>`)
	for t.in.More() {
		t.out.WriteString(`<li>`)
		name := ""
		if open == '{' {
			token, err := t.in.Token()
			if err != nil {
				return err
			}
			name, _ = token.(string) // a key of an object is one
		}
		if err := t.value(name, depth+1); err != nil {
			return err
		}
		t.out.WriteString(`</li>`)
	}
	t.out.WriteString(`</ul></details>`)
	_, err := t.in.Token() // its end
	return err
}
