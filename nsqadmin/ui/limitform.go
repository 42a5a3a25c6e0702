package ui

import (
	"cmp"
	"errors"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"nsqsuite/internal/cluster"
	"nsqsuite/protocol"
)

// limitForm is the form that sets limits, as it was filled in.
type limitForm struct {
	Age, Depth, Bytes, Overflow                     string
	AgeError, DepthError, BytesError, OverflowError string
}

func limitFormOf(q url.Values) limitForm {
	word := func(name string) string { return strings.TrimSpace(q.Get(name)) }
	return limitForm{Age: word("max_age"), Depth: word("max_depth"), Bytes: word("max_bytes"), Overflow: word("overflow")}
}

// filled returns the form with limits in it.
func filled(own protocol.OwnLimits) (f limitForm) {
	if own.MaxAge != nil {
		f.Age = ageWord(time.Duration(*own.MaxAge))
	}
	if own.MaxDepth != nil {
		f.Depth = strconv.FormatInt(*own.MaxDepth, 10)
	}
	if own.MaxBytes != nil {
		f.Bytes = bytesWord(*own.MaxBytes)
	}
	if own.Overflow != nil {
		f.Overflow = own.Overflow.String()
	}
	return f
}

// fields is what the form sends.
func (f *limitForm) fields() []field {
	return []field{{"max_age", f.Age}, {"max_depth", f.Depth}, {"max_bytes", f.Bytes}, {"overflow", f.Overflow}}
}

// check says what is wrong with the form, and returns the limits and whether nothing is.
func (f *limitForm) check() (own protocol.OwnLimits, ok bool) {
	if f.Age != "" {
		d, err := time.ParseDuration(f.Age)
		if err != nil || d < 0 {
			f.AgeError = "An age is a number with a unit: 90m, 24h; 0 is no limit."
		}
		own.MaxAge = (*protocol.Duration)(&d)
	}
	if f.Depth != "" {
		n, err := count(f.Depth, math.MaxInt64)
		if err != nil {
			f.DepthError = "This is a whole number of messages; 0 is no limit."
		}
		own.MaxDepth = &n
	}
	if f.Bytes != "" {
		n, err := parseBytes(f.Bytes)
		if err != nil {
			f.BytesError = "A size is a number of bytes, or of kB, MB, GB or TB: 10 GB; 0 is no limit."
		}
		own.MaxBytes = &n
	}
	if f.Overflow != "" {
		own.Overflow = new(protocol.Overflow)
		if own.Overflow.Set(f.Overflow) != nil {
			f.OverflowError = "Choose what happens when it is full."
		}
	}
	return own, f.AgeError+f.DepthError+f.BytesError+f.OverflowError == ""
}

// aboutLimits reads the rest of a command that sets limits.
func aboutLimits(c *cluster.Command, q url.Values) (err error) {
	if len(q["topic"]) != 1 {
		return errors.New("limits are set of one topic or channel at a time")
	}
	form, ok := limitFormOf(q), false
	if c.Limits, ok = form.check(); !ok {
		return errors.New(cmp.Or(form.AgeError, form.DepthError, form.BytesError, form.OverflowError))
	}
	return nil
}

// ageWord writes an age as it is typed: 24h, not 24h0m0s.
func ageWord(d time.Duration) string {
	word := d.String()
	if strings.HasSuffix(word, "m0s") {
		word = strings.TrimSuffix(word, "0s")
	}
	if strings.HasSuffix(word, "h0m") {
		word = strings.TrimSuffix(word, "0m")
	}
	return word
}

var byteUnits = []struct {
	name string
	size int64
}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}}

// bytesWord writes a size exactly, with a unit if that can be done.
func bytesWord(n int64) string {
	for _, u := range byteUnits {
		if n != 0 && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + " " + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// parseBytes reads a size, with a unit or without.
func parseBytes(text string) (int64, error) {
	for _, u := range byteUnits {
		if end := len(text) - len(u.name); end > 0 && strings.EqualFold(text[end:], u.name) {
			n, err := strconv.ParseFloat(strings.TrimSpace(text[:end]), 64)
			if n *= float64(u.size); err == nil && !(n >= 0 && n < math.MaxInt64) { // so that NaN is wrong too
				err = strconv.ErrRange
			}
			return int64(n), err
		}
	}
	return count(text, math.MaxInt64)
}

// limitsInWords says what is set, for a line of the page Activity.
func limitsInWords(own protocol.OwnLimits) string {
	f, words := filled(own), []string{}
	for _, field := range f.fields() {
		if field.Value != "" {
			words = append(words, field.Name+" "+field.Value)
		}
	}
	if len(words) == 0 {
		return "none of its own"
	}
	return strings.Join(words, ", ")
}
