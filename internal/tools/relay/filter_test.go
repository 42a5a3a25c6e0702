package relay

import (
	"encoding/json"
	"io"
	"log"
	"testing"
)

func TestFilter(t *testing.T) {
	const dropped, again = "dropped", "again"
	field := filter{field: "f"}
	text := filter{field: "f", value: "x"}
	number := filter{field: "f", value: "1"}
	large := filter{field: "f", value: "9007199254740993"}
	keep := filter{whitelist: []string{"b", "a", "missing"}}
	for _, c := range []struct {
		f          filter
		body, want string
	}{
		{filter{}, `no JSON`, `no JSON`},
		{filter{value: "x"}, `no JSON`, `no JSON`}, // a value without a field asks for nothing
		{field, `no JSON`, dropped},
		{field, `["f"]`, dropped},
		{field, `null`, dropped},
		{field, `{"f":1} {`, dropped},
		{field, `{"g":1}`, dropped},
		{field, `{"f": null}`, `{"f": null}`},
		{text, `{"g":1}`, again},
		{text, ` {"f": "x"} `, ` {"f": "x"} `},
		{text, `{"f":"X"}`, dropped},
		{text, `{"f":1}`, dropped},
		{text, `{"f":null}`, dropped},
		{text, `{"f":{"x":1}}`, dropped},
		{number, `{"f":1.0}`, `{"f":1.0}`},
		{number, `{"f":10e-1}`, `{"f":10e-1}`},
		{number, `{"f":"1"}`, `{"f":"1"}`},
		{number, `{"f":1.5}`, dropped},
		{number, `{"f":true}`, dropped},
		{large, `{"f":9007199254740993}`, `{"f":9007199254740993}`},
		{large, `{"f":9007199254740992}`, dropped},
		{keep, `{"a":9007199254740993, "c":1, "b":{"z":1, "y":"<&>"}}`, `{"a":9007199254740993,"b":{"y":"\u003c\u0026\u003e","z":1}}`},
		{keep, `{"c":1}`, `{}`},
		{keep, `x`, dropped},
		{filter{field: "f", whitelist: []string{"g"}}, `{"f":1,"g":2}`, `{"g":2}`},
	} {
		out, pass, err := c.f.apply([]byte(c.body))
		got := string(out)
		switch {
		case err != nil:
			got = again
		case !pass:
			got = dropped
		}
		if got != c.want {
			t.Errorf("%+v on %s: %s, want %s", c.f, c.body, got, c.want)
		}
	}
}

// FuzzFilter sees to it that what passes a whitelist is an object without anything
// that is not on it.
func FuzzFilter(f *testing.F) {
	for _, body := range []string{`{"a":1}`, `{"a":{"b":[1e999]},"c":"\ud800"}`, `null`, `[]`, `{"a":1}{}`, `{"a":`} {
		f.Add([]byte(body), "a", "1")
	}
	log.SetOutput(io.Discard)
	f.Fuzz(func(t *testing.T, body []byte, field, value string) {
		filter := filter{field: field, value: value, whitelist: []string{field, "a"}}
		out, pass, err := filter.apply(body)
		if !pass || err != nil {
			return
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(out, &object); err != nil || object == nil {
			t.Fatalf("%q of %q: %v", out, body, err)
		}
		if len(object) > 2 || !json.Valid(body) {
			t.Errorf("%q of %q", out, body)
		}
	})
}
