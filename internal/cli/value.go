package cli

import (
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

var errParse = errors.New("parse error")

// option is one field of an options struct. It is a pflag.Value.
type option struct {
	flag, key    string
	group, usage string
	field        reflect.Value
	byDefault    string // as it is shown
	hostly       bool   // the default is another on each host
	given        bool   // on the command line
}

// options returns the fields of the struct that opts points to, with those of embedded structs.
func options(opts any) []*option {
	v := reflect.ValueOf(opts).Elem()
	var list []*option
	for i := range v.NumField() {
		if v.Type().Field(i).Anonymous {
			list = append(list, options(v.Field(i).Addr().Interface())...)
			continue
		}
		tag := v.Type().Field(i).Tag
		o := &option{flag: tag.Get("flag"), key: tag.Get("toml"), group: tag.Get("group"), usage: tag.Get("usage"), field: v.Field(i)}
		switch o.key {
		case "-":
			o.key = ""
		case "":
			o.key = strings.ReplaceAll(o.flag, "-", "_")
		}
		if o.flag == "" && o.key == "" {
			continue
		}
		if o.byDefault = tag.Get("default"); o.byDefault == "" {
			o.byDefault = o.String()
		} else {
			o.hostly = true
		}
		list = append(list, o)
	}
	return list
}

// custom returns the field as a pflag.Value if its pointer is one.
func (o *option) custom() (pflag.Value, bool) {
	v, ok := o.field.Addr().Interface().(pflag.Value)
	return v, ok
}

// String is pflag.Value.
func (o *option) String() string {
	if v, ok := o.custom(); ok {
		return v.String()
	}
	switch v := o.field.Interface().(type) {
	case []string:
		return strings.Join(v, ",")
	case []float64:
		words := make([]string, len(v))
		for i := range v {
			words[i] = strconv.FormatFloat(v[i], 'g', -1, 64)
		}
		return strings.Join(words, ",")
	default:
		return fmt.Sprint(v)
	}
}

// Type is pflag.Value; it stands behind the flag's name in --help.
func (o *option) Type() string {
	if v, ok := o.custom(); ok {
		return v.Type()
	}
	switch o.field.Interface().(type) {
	case time.Duration:
		return "duration"
	case []string:
		return "value (may be repeated)"
	case []float64:
		return "float,… (may be repeated)"
	}
	return o.field.Kind().String()
}

// isBool tells whether the flag can stand alone.
func (o *option) isBool() bool {
	if v, ok := o.custom(); ok {
		b, ok := v.(interface{ IsBoolFlag() bool })
		return ok && b.IsBoolFlag()
	}
	return o.field.Kind() == reflect.Bool
}

// Set is pflag.Value, for the command line: lists grow, everything else is replaced.
func (o *option) Set(word string) error {
	first := !o.given
	o.given = true
	switch v := o.field.Interface().(type) {
	case []string:
		if first {
			v = nil
		}
		o.field.Set(reflect.ValueOf(append(v, word)))
		return nil
	case []float64:
		if first {
			v = nil
		}
		more, err := parseFloats(word)
		if err != nil {
			return err
		}
		v = append(v, more...)
		sort.Sort(sort.Reverse(sort.Float64Slice(v)))
		o.field.Set(reflect.ValueOf(v))
		return nil
	}
	return o.setWord(word)
}

// setWord sets a single value.
func (o *option) setWord(word string) error {
	if v, ok := o.custom(); ok {
		return v.Set(word)
	}
	switch o.field.Interface().(type) {
	case string:
		o.field.SetString(word)
	case bool:
		b, err := strconv.ParseBool(word)
		if err != nil {
			return errParse
		}
		o.field.SetBool(b)
	case int, int64:
		n, err := strconv.ParseInt(word, 0, 64)
		if err != nil {
			return errParse
		}
		o.field.SetInt(n)
	case time.Duration:
		d, err := time.ParseDuration(word)
		if err != nil {
			return errParse
		}
		o.field.SetInt(int64(d))
	default:
		return fmt.Errorf("%T is not a kind of option", o.field.Interface())
	}
	return nil
}

func parseFloats(words string) ([]float64, error) {
	var list []float64
	for _, word := range strings.Split(words, ",") {
		f, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
		if err != nil {
			return nil, fmt.Errorf("could not parse: %s", word)
		}
		list = append(list, f)
	}
	return list, nil
}

// setTOML sets a value from a file (nsqd-http-and-config.md 2.2).
func (o *option) setTOML(v any) error {
	switch o.field.Interface().(type) {
	case []string:
		return o.setStrings(v)
	case []float64:
		return o.setFloats(v)
	case time.Duration:
		if ms, ok := v.(int64); ok {
			o.field.SetInt(int64(time.Duration(ms) * time.Millisecond))
			return nil
		}
	case int, int64:
		if n, ok := v.(int64); ok {
			o.field.SetInt(n)
			return nil
		}
	case bool:
		if b, ok := v.(bool); ok {
			o.field.SetBool(b)
			return nil
		}
	}
	if word, ok := v.(string); ok {
		return o.setWord(word)
	}
	if _, ok := o.custom(); ok {
		return o.setWord(fmt.Sprint(v))
	}
	return fmt.Errorf("%T is of the wrong type", v)
}

func (o *option) setStrings(v any) error {
	var list []string
	switch v := v.(type) {
	case string:
		for _, word := range strings.Split(v, ",") {
			if word = strings.TrimSpace(word); word != "" {
				list = append(list, word)
			}
		}
	case []any:
		for _, e := range v {
			word, ok := e.(string)
			if !ok {
				return fmt.Errorf("%v is not a string", e)
			}
			list = append(list, word)
		}
	default:
		return fmt.Errorf("%T is not a list", v)
	}
	o.field.Set(reflect.ValueOf(list))
	return nil
}

func (o *option) setFloats(v any) error {
	var list []float64
	switch v := v.(type) {
	case string:
		parsed, err := parseFloats(v)
		if err != nil {
			return err
		}
		list = parsed
	case []any:
		for _, e := range v {
			switch e := e.(type) {
			case float64:
				list = append(list, e)
			case int64:
				list = append(list, float64(e))
			default:
				return fmt.Errorf("%v is not a number", e)
			}
		}
	default:
		return fmt.Errorf("%T is not a list", v)
	}
	o.field.Set(reflect.ValueOf(list))
	return nil
}

// Value returns the option with this TOML key as GET /config/<key> shows it: a
// string, or what encoding/json shall make of it; durations are ns, lists never null.
func Value(opts any, key string) (v any, ok bool) {
	for _, o := range options(opts) {
		if o.key != key || key == "" {
			continue
		}
		switch v := o.field.Interface().(type) {
		case []string:
			return append([]string{}, v...), true
		case []float64:
			return append([]float64{}, v...), true
		default:
			if o.field.Kind() == reflect.String {
				return o.field.String(), true
			}
			return v, true
		}
	}
	return nil, false
}

// Setting is an option as people read it.
type Setting struct {
	Flag, Usage string
	Value       string // as it would be given on the command line
}

// Settings returns all options that have a flag, in their order.
func Settings(opts any) (all []Setting) {
	for _, o := range options(opts) {
		if o.flag == "" {
			continue
		}
		all = append(all, Setting{Flag: o.flag, Usage: o.usage, Value: o.String()})
	}
	return all
}
