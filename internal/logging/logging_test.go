package logging

import (
	"bytes"
	"regexp"
	"testing"
)

func TestLine(t *testing.T) {
	var out bytes.Buffer
	l := New(&out, "[nsqd] ", Info)
	l.Debugf("hidden")
	l.Warnf("a %s\nb", "word")
	form := regexp.MustCompile(`^\[nsqd\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} WARNING: a word\\nb\n$`)
	if !form.MatchString(out.String()) {
		t.Fatalf("got %q", out.String())
	}
	l.SetLevel(Fatal)
	if l.Level() != Fatal || l.Enabled(Error) || !l.Enabled(Fatal) {
		t.Fatalf("level is %v after SetLevel(Fatal)", l.Level())
	}
}

func TestParseLevel(t *testing.T) {
	for l := Debug; l <= Fatal; l++ {
		if got, err := ParseLevel(l.String()); err != nil || got != l {
			t.Errorf("ParseLevel(%q) = %v, %v", l, got, err)
		}
	}
	_, err := ParseLevel("warning")
	if err == nil || err.Error() != "invalid log level 'warning' (debug, info, warn, error, fatal)" {
		t.Errorf("ParseLevel(warning): %v", err)
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	l := JSON.New(&out, "[nsqd] ", Warn)
	l.Infof("hidden")
	l.Warnf("a \"%s\"\nb", "word")
	l.Fatalf("end")
	form := regexp.MustCompile(`^{"time":"\d{4}-\d\d-\d\dT[^"]+","level":"WARNING","msg":"a \\"word\\"\\nb"}\n{"time":"[^"]+","level":"FATAL","msg":"end"}\n$`)
	if !form.MatchString(out.String()) {
		t.Errorf("got %s", out.String())
	}
	l.SetLevel(Debug)
	if l.Debugf("x"); !bytes.Contains(out.Bytes(), []byte(`"level":"DEBUG"`)) {
		t.Errorf("SetLevel has no effect: %s", out.String())
	}
}

func TestFormat(t *testing.T) {
	f := Text
	if err := f.Set("json"); err != nil || f != JSON || f.String() != "json" {
		t.Errorf("%v, %v", f, err)
	}
	if err := f.Set("JSON"); err == nil || err.Error() != "invalid log format 'JSON' (text, json)" || f != JSON {
		t.Errorf("%v, %v", f, err)
	}
}
