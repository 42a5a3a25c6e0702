package relay

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log"
	"strconv"
	"strings"
)

// maxQuoted is how many bytes of a body the log shows.
const maxQuoted = 1 << 10

var errNoField = errors.New("missing field to check required value")

// filter says which messages pass, and what of them.
type filter struct {
	field, value string
	whitelist    []string
}

// idle tells whether everything passes unseen.
func (f *filter) idle() bool { return f.field == "" && len(f.whitelist) == 0 }

// apply returns what is to be published of a body; pass is false if nothing is. With
// an error the message is to be tried again.
func (f *filter) apply(body []byte) (out []byte, pass bool, err error) {
	if f.idle() {
		return body, true, nil
	}
	object, ok := parse(body)
	if !ok {
		quoted := strings.ReplaceAll(string(body[:min(len(body), maxQuoted)]), "\n", `\n`)
		log.Printf("ERROR: Unable to decode json: %s", quoted)
		return nil, false, nil
	}
	if f.field != "" {
		value, found := object[f.field]
		switch {
		case !found && f.value != "":
			log.Printf("ERROR: %s", errNoField)
			return nil, false, errNoField
		case !found, f.value != "" && !matches(value, f.value):
			return nil, false, nil
		}
	}
	if len(f.whitelist) == 0 {
		return body, true, nil
	}
	kept := map[string]any{}
	for _, name := range f.whitelist {
		if value, found := object[name]; found {
			kept[name] = value
		}
	}
	out, err = json.Marshal(kept)
	return out, true, err
}

// parse returns a JSON object, with its numbers as they are written: an integer
// beyond 2^53 shall stay what it is.
func parse(body []byte) (object map[string]any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&object); err != nil || object == nil {
		return nil, false
	}
	_, err := d.Token()
	return object, errors.Is(err, io.EOF)
}

// matches tells whether a field is equal to a required value: as text, or as a number.
func matches(field any, value string) bool {
	switch field := field.(type) {
	case string:
		return field == value
	case json.Number:
		i, err := strconv.ParseInt(value, 10, 64)
		if j, err2 := field.Int64(); err == nil && err2 == nil {
			return i == j
		}
		f, err := strconv.ParseFloat(value, 64)
		g, err2 := field.Float64()
		return err == nil && err2 == nil && f == g
	}
	return false
}
