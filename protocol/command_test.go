package protocol

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

func words(l *Line) string {
	parts := []string{string(l.Command())}
	for i := range l.Params() {
		parts = append(parts, string(l.Param(i)))
	}
	return fmt.Sprintf("%q", parts)
}

func TestSplitLine(t *testing.T) {
	for line, want := range map[string]string{
		"NOP\n":            `["NOP"]`,
		"NOP\r\n":          `["NOP"]`,
		"NOP":              `["NOP"]`,
		"PUB a\r\r\n":      `["PUB" "a\r"]`,
		"SUB t c\n":        `["SUB" "t" "c"]`,
		"SUB  t c\n":       `["SUB" "" "t" "c"]`,
		" NOP\n":           `["" "NOP"]`,
		"RDY \n":           `["RDY" ""]`,
		"\n":               `[""]`,
		"\r\n":             `[""]`,
		"REQ id 1 2 3 4\n": `["REQ" "id" "1" "2"]`,
		"PUB\ta\n":         `["PUB\ta"]`,
		"nop\n":            `["nop"]`,
	} {
		l := SplitLine([]byte(line))
		if got := words(&l); got != want {
			t.Errorf("%q: %s, want %s", line, got, want)
		}
	}
}

func FuzzSplitLine(f *testing.F) {
	for _, s := range []string{"", "\n", "\r\r\n", "SUB a b\r\n", "  x  y z ", "a b c d e"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		l := SplitLine(line)
		plain := bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		want := bytes.Split(plain, []byte(" "))
		want = want[:min(len(want), maxWords)]
		if l.Params() != len(want)-1 || !bytes.Equal(l.Command(), want[0]) {
			t.Fatalf("%q: %s", line, words(&l))
		}
		for i, w := range want[1:] {
			if !bytes.Equal(l.Param(i), w) {
				t.Fatalf("%q: %s", line, words(&l))
			}
		}
	})
}

func TestParseDigits(t *testing.T) {
	for text, want := range map[string]uint64{
		"": 0, "0": 0, "007": 7, "2500": 2500,
		"18446744073709551615":           math.MaxUint64,
		"18446744073709551616":           math.MaxUint64,
		"18446744073709551617":           math.MaxUint64,
		"99999999999999999999999999":     math.MaxUint64,
		"184467440737095516150000000000": math.MaxUint64,
	} {
		if n, ok := ParseDigits([]byte(text)); !ok || n != want {
			t.Errorf("%q: %d, %t, want %d", text, n, ok, want)
		}
	}
	for _, text := range []string{"-1", "+1", " 1", "1 ", "1.0", "0x10", "1e3", "a", "١"} {
		if n, ok := ParseDigits([]byte(text)); ok {
			t.Errorf("%q: taken for %d", text, n)
		}
	}
}

func FuzzParseDigits(f *testing.F) {
	for _, s := range []string{"", "0", "12", "18446744073709551616", "-1", "1 "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := ParseDigits([]byte(text))
		if onlyDigits := strings.Trim(text, "0123456789") == ""; ok != onlyDigits {
			t.Fatalf("%q: ok is %t", text, ok)
		}
		want, err := strconv.ParseUint(text, 10, 64)
		if ok && text != "" && (err == nil && n != want || err != nil && n != math.MaxUint64) {
			t.Fatalf("%q: %d, want %d, %v", text, n, want, err)
		}
	})
}

func TestAppendCommands(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{string(AppendCommand(nil, "NOP")), "NOP\n"},
		{string(AppendCommand([]byte("x"), "SUB", "t", "c")), "xSUB t c\n"},
		{string(AppendPub(nil, "t", 0, []byte("hi"))), "PUB t\n\x00\x00\x00\x02hi"},
		{string(AppendPub(nil, "t", 1500*time.Millisecond, []byte("hi"))), "DPUB t 1500\n\x00\x00\x00\x02hi"},
		{string(AppendMPub(nil, "t", []byte("a"), []byte("bc"))), "MPUB t\n\x00\x00\x00\x0f\x00\x00\x00\x02\x00\x00\x00\x01a\x00\x00\x00\x02bc"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	if n := MaxBatch(5242880); n != 1048575 {
		t.Errorf("an MPUB may have %d messages by default", n)
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"a", "test.Topic-1_2", strings.Repeat("a", 64), "a#ephemeral", strings.Repeat("b", 54) + EphemeralSuffix, "..."} {
		if !ValidName(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range []string{"", strings.Repeat("a", 65), "#ephemeral", strings.Repeat("b", 55) + EphemeralSuffix, "a b", "a\n", "a\r", "a/b", "ä",
		"a#ephemera", "a#ephemeral#ephemeral", "a#", "#", "a#ephemeralx", "a\x00"} {
		if ValidName(name) {
			t.Errorf("%q is accepted", name)
		}
	}
	if !IsEphemeral("a#ephemeral") || IsEphemeral("ephemeral") {
		t.Error("IsEphemeral goes by the suffix")
	}
}

// TestCutFin holds the short way to the long one: what it takes is what SplitLine
// makes of the line.
func TestCutFin(t *testing.T) {
	for in, want := range map[string]bool{
		"FIN 0123456789abcdef\n":      true,
		"FIN 0123456789abcdef\nFIN x": true,
		"FIN 0123456789abcdef\r\n":    false,
		"FIN 0123456789abcde\r\n":     false,
		"FIN 0123456789abcdef":        false,
		"FIN 0123456789ABCDEF\n":      false,
		"FIN 0123456789abcde \n":      false,
		"FIN  123456789abcdef\n":      false,
		"REQ 0123456789abcdef\n":      false,
		"fin 0123456789abcdef\n":      false,
		"FIN 0123456789abcdefg\n":     false,
		"":                            false,
	} {
		n, ok := CutFin([]byte(in))
		if ok != want || ok && NewMessageID(n).String() != in[4:20] {
			t.Errorf("%q: %x, %v", in, n, ok)
		}
	}
}

// TestCutReq does the same for REQ, and TestCutPub for PUB.
func TestCutReq(t *testing.T) {
	for in, want := range map[string]bool{
		"REQ 0123456789abcdef 0\n":          true,
		"REQ 0123456789abcdef 0\nREQ x":     true,
		"REQ 0123456789abcdef 999999999\n":  true,
		"REQ 0123456789abcdef 0090\n":       true,
		"REQ 0123456789abcdef 1234567890\n": false,
		"REQ 0123456789abcdef 12":           false,
		"REQ 0123456789abcdef 0\r\n":        false,
		"REQ 0123456789abcdef -1\n":         false,
		"REQ 0123456789abcdef  1\n":         false,
		"REQ 0123456789abcdef 1 \n":         false,
		"REQ 0123456789abcdef \n":           false,
		"REQ 0123456789abcdef\n":            false,
		"REQ 0123456789abcdeF 0\n":          false,
		"REQ 0123456789abcdef":              false,
		"FIN 0123456789abcdef 0\n":          false,
		"":                                  false,
	} {
		n, ms, size, ok := CutReq([]byte(in))
		if ok != want {
			t.Errorf("%q: %v", in, ok)
		}
		if !ok {
			continue
		}
		text, _, _ := strings.Cut(in, "\n")
		line := SplitLine([]byte(text))
		delay, _ := ParseDigits(line.Param(1))
		if NewMessageID(n).String() != string(line.Param(0)) || ms != delay || size != len(text)+1 {
			t.Errorf("%q: %x, %d ms, %d bytes", in, n, ms, size)
		}
	}
}

func TestCutPub(t *testing.T) {
	long := strings.Repeat("x", MaxNameLength)
	for in, want := range map[string]string{
		"PUB t\n":             "t",
		"PUB t\nabc":          "t",
		"PUB " + long + "\n":  long,
		"PUB " + long + "x\n": "-",
		"PUB t":               "-",
		"DPUB t\n":            "-",
		"PUB\n":               "-",
		"PUB":                 "-",
		"":                    "-",
	} {
		name, ok := CutPub([]byte(in))
		if ok != (want != "-") || ok && string(name) != want {
			t.Errorf("%q: %q, %v", in, name, ok)
		}
	}
}
