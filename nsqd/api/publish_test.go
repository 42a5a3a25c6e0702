package api

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"nsqsuite/nsqd/broker"
)

func TestPub(t *testing.T) {
	f := newFixture(t)
	full := strings.Repeat("x", maxMsg)
	f.check([]row{
		{"POST /pub?topic=t", full + "x", 413, "MSG_TOO_BIG"},
		{"POST /pub?%zz", full + "x", 413, "MSG_TOO_BIG"}, // the size comes first
		{"POST /pub?%zz", "", 400, "MSG_EMPTY"},
		{"POST /pub?topic=t&x=%zz", "x", 400, "INVALID_REQUEST"},
		{"POST /pub?topic=t;x", "x", 400, "INVALID_REQUEST"},
		{"POST /pub", "x", 400, "MISSING_ARG_TOPIC"},
		{"POST /pub?topic=", "x", 400, "INVALID_TOPIC"},
		{"POST /pub?topic=t!", "x", 400, "INVALID_TOPIC"},
	})
	if n := len(f.broker.Topics()); n != 0 {
		t.Fatalf("refused publishes have made %d topics", n)
	}
	f.check([]row{
		{"POST /pub?topic=bad&defer=", "x", 400, "INVALID_DEFER"},
		{"POST /pub?topic=t&defer=abc", "x", 400, "INVALID_DEFER"},
		{"POST /pub?topic=t&defer=5.0", "x", 400, "INVALID_DEFER"},
		{"POST /pub?topic=t&defer=-1", "x", 400, "INVALID_DEFER"},
		{"POST /pub?topic=t&defer=3600001", "x", 400, "INVALID_DEFER"},
		{"POST /pub?topic=t&defer=18446744073710", "x", 400, "INVALID_DEFER"},
		{"POST /pub?topic=t&defer=18446744073709551616", "x", 400, "INVALID_DEFER"},
	})
	if _, ok := f.broker.FindTopic("bad"); !ok {
		t.Error("a refused defer does not leave its topic behind")
	}
	f.do("POST /channel/create?topic=t&channel=c", "")
	f.check([]row{
		{"POST /pub?topic=t", full, 200, "OK"},
		{"POST /pub?topic=t&defer=0", "\n\x00\n", 200, "OK"},
		{"POST /pub?topic=t&defer=%2B5", "soon", 200, "OK"},
		{"POST /pub?topic=t&defer=3600000&defer=x", "late", 200, "OK"},
		{"POST /pub?topic=e%23ephemeral", "x", 200, "OK"},
	})
	topic, _ := f.broker.FindTopic("t")
	c, _ := topic.FindChannel("c")
	if s := topic.Stats(); s.Messages != 4 || s.Bytes != maxMsg+3+4+4 {
		t.Errorf("topic: %+v", s)
	}
	if s := c.Stats(); s.Messages != 4 || s.Deferred < 1 || s.Deferred > 2 || s.Depth+s.Deferred != 4 {
		t.Errorf("channel: %+v", s)
	}
	if strings.Contains(f.log.String(), "/pub") {
		t.Errorf("publishes are logged: %s", f.log.String())
	}
}

func TestPubBodies(t *testing.T) {
	f := newFixture(t)
	const head = "POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	for _, c := range []struct {
		text   string
		status int
		body   string
	}{
		{head + "Content-Length: 1099511627776\r\n\r\n", 413, `{"message":"MSG_TOO_BIG"}`},
		{head + "Content-Length: 10\r\n\r\nshort", 500, `{"message":"INTERNAL_ERROR"}`},
		{head + "Content-Length: 0\r\n\r\n", 400, `{"message":"MSG_EMPTY"}`},
		{head + "\r\n", 400, `{"message":"MSG_EMPTY"}`},
		{head + "Transfer-Encoding: chunked\r\n\r\n15\r\n" + strings.Repeat("x", 21) + "\r\n0\r\n\r\n", 413, `{"message":"MSG_TOO_BIG"}`},
		{head + "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nx", 500, `{"message":"INTERNAL_ERROR"}`},
		{head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 500, `{"message":"INTERNAL_ERROR"}`},
		{head + "Transfer-Encoding: chunked\r\n\r\n14\r\n" + strings.Repeat("x", 20) + "\r\n0\r\n\r\n", 200, "OK"},
		{head + "Content-Length: 1\r\n\r\nx", 200, "OK"},
	} {
		if got := f.raw(c.text); got.status != c.status || got.body != c.body {
			t.Errorf("%.120q: %d %s, want %d %s", c.text, got.status, got.body, c.status, c.body)
		}
	}
}

func TestMPubText(t *testing.T) {
	f := newFixture(t)
	full := strings.Repeat("x", maxMsg)
	for i, c := range []struct {
		query, body string
		status      int
		want        string
		messages    []string
	}{
		{"", "a\nb\r\n\n\nc", 200, "OK", []string{"a", "b\r", "c"}},
		{"&binary=false", "a\n", 200, "OK", []string{"a"}},
		{"&binary=0&defer=5", "a", 200, "OK", []string{"a"}},
		{"", "", 200, "OK", []string{}},
		{"", "\n\n\n", 200, "OK", []string{}},
		{"", full + "\n" + full, 200, "OK", []string{full, full}},
		{"", "a\n" + full + "x", 413, "MSG_TOO_BIG", []string{}},
		{"", strings.Repeat("\n", maxBody+1), 413, "BODY_TOO_BIG", nil},
	} {
		topic := fmt.Sprintf("t%d", i)
		f.check([]row{{"POST /mpub?topic=" + topic + c.query, c.body, c.status, c.want}})
		if got := f.messages(topic); !slices.Equal(got, c.messages) || (got == nil) != (c.messages == nil) {
			t.Errorf("%q: messages are %#v, want %#v", c.body, got, c.messages)
		}
	}
	f.check([]row{
		{"POST /mpub?%zz", strings.Repeat("x", maxBody+1), 413, "BODY_TOO_BIG"},
		{"POST /mpub?%zz", "x", 400, "INVALID_REQUEST"},
		{"POST /mpub", "x", 400, "MISSING_ARG_TOPIC"},
		{"POST /mpub?topic=t!", "x", 400, "INVALID_TOPIC"},
	})
	const chunked = "POST /mpub?topic=u HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
	if got := f.raw(chunked + "41\r\n" + strings.Repeat("\n", maxBody+1) + "\r\n0\r\n\r\n"); got.body != `{"message":"BODY_TOO_BIG"}` {
		t.Errorf("chunked: %d %s", got.status, got.body)
	}
	if got := f.raw(chunked + "41\r\na\n"); got.status != 500 || got.body != `{"message":"INTERNAL_ERROR"}` {
		t.Errorf("broken off: %d %s", got.status, got.body)
	}
	if strings.Contains(f.log.String(), "/mpub") {
		t.Errorf("publishes are logged: %s", f.log.String())
	}
}

// sizes returns big-endian int32s.
func sizes(list ...int32) string {
	var b []byte
	for _, n := range list {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return string(b)
}

func TestMPubBinary(t *testing.T) {
	f := newFixture(t)
	two := sizes(2, 1) + "a" + sizes(2) + "\nb"
	for i, c := range []struct {
		query, body string
		status      int
		want        string
		messages    []string
	}{
		{"=true", two, 200, "OK", []string{"a", "\nb"}},
		{"=1", two + "surplus", 200, "OK", []string{"a", "\nb"}},
		{"", two, 200, "OK", []string{"a", "\nb"}},
		{"=", two, 200, "OK", []string{"a", "\nb"}},
		{"=FALSE", two, 200, "OK", []string{"a", "\nb"}},
		{"=yes", two, 200, "OK", []string{"a", "\nb"}},
		{"=true", "", 413, "BAD_BODY", []string{}},
		{"=true", "\x00\x00\x00", 413, "BAD_BODY", []string{}},
		{"=true", sizes(0), 413, "BAD_BODY", []string{}},
		{"=true", sizes(-1), 413, "BAD_BODY", []string{}},
		{"=true", sizes(13), 413, "BAD_BODY", []string{}},
		{"=true", sizes(12), 413, "BAD_MESSAGE", []string{}},
		{"=true", sizes(2, 1) + "a", 413, "BAD_MESSAGE", []string{}},
		{"=true", sizes(2, 1) + "a" + "\x00\x00", 413, "BAD_MESSAGE", []string{}},
		{"=true", sizes(1, 0), 413, "BAD_MESSAGE", []string{}},
		{"=true", sizes(1, -5) + "hello", 413, "BAD_MESSAGE", []string{}},
		{"=true", sizes(1, 2) + "a", 413, "BAD_MESSAGE", []string{}},
		{"=true", sizes(1, maxMsg+1) + strings.Repeat("x", maxMsg+1), 413, "BAD_MESSAGE", []string{}},
		{"=true", sizes(1, maxMsg) + strings.Repeat("x", maxMsg), 200, "OK", []string{strings.Repeat("x", maxMsg)}},
		{"=true", sizes(1, 1<<31-1), 413, "BAD_MESSAGE", []string{}},
	} {
		topic := fmt.Sprintf("t%d", i)
		f.check([]row{{"POST /mpub?topic=" + topic + "&binary" + c.query, c.body, c.status, c.want}})
		if got := f.messages(topic); !slices.Equal(got, c.messages) {
			t.Errorf("%q: messages are %q, want %q", c.body, got, c.messages)
		}
	}
	for _, value := range []string{"''", "'FALSE'", "'yes'"} {
		if line := "WARNING: deprecated value " + value + " used for /mpub binary param"; !strings.Contains(f.log.String(), line) {
			t.Errorf("the log lacks %q", line)
		}
	}
	const head = "POST /mpub?topic=u&binary=true HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	for text, want := range map[string]string{
		head + "Content-Length: 1099511627776\r\n\r\n":                    "BODY_TOO_BIG",
		head + "Content-Length: 60\r\n\r\n" + sizes(1, 5) + "x":           "BAD_MESSAGE",
		head + "Content-Length: 60\r\n\r\n":                               "BAD_BODY",
		head + "Transfer-Encoding: chunked\r\n\r\n8\r\n" + sizes(1) + "x": "BAD_MESSAGE",
	} {
		if got := f.raw(text); got.status != 413 || got.body != `{"message":"`+want+`"}` {
			t.Errorf("%.100q: %d %s, want %s", text, got.status, got.body, want)
		}
	}
}

// TestPublishIntoDeletion: a topic that is deleted meanwhile is made anew.
func TestPublishIntoDeletion(t *testing.T) {
	f := newFixture(t)
	f.do("POST /topic/create?topic=t", "")
	topic, _ := f.broker.FindTopic("t")
	f.do("POST /topic/delete?topic=t", "")
	a := New(f.config())
	if v, err := a.publish(topic, broker.Message{Body: []byte("x")}); err != nil || v != "OK" {
		t.Fatalf("got %v, %v", v, err)
	}
	if got := f.messages("t"); !slices.Equal(got, []string{"x"}) {
		t.Errorf("messages are %q", got)
	}
	f.broker.Close() //nolint:errcheck // it is about what comes after
	f.check([]row{{"POST /pub?topic=t", "x", 503, "EXITING"}, {"POST /topic/create?topic=new", "", 503, "EXITING"}})
}

// TestDeclaredSizes: what is announced and never sent takes no memory.
func TestDeclaredSizes(t *testing.T) {
	f := newFixture(t)
	config := f.config()
	config.MaxBodySize, config.MaxMsgSize = 1<<30, 1<<30
	f.serve(New(config))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		for _, path := range []string{"/pub?topic=t", "/mpub?topic=t", "/mpub?topic=t&binary=true"} {
			f.raw("POST " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000000000\r\n\r\n" + sizes(1<<20, 1<<30))
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 60<<20 {
		t.Errorf("60 broken bodies took %d bytes", took)
	}
}

// FuzzMPub: a body is published whole or not at all, and never beyond the limits.
func FuzzMPub(f *testing.F) {
	fix := newFixture(f)
	a := New(fix.config())
	f.Add([]byte("a\nb\n"), false)
	f.Add([]byte(sizes(2, 1)+"a"+sizes(1)+"b"), true)
	f.Add([]byte(sizes(1, 1<<31-1)), true)
	f.Fuzz(func(t *testing.T, body []byte, binaryMode bool) {
		split := a.splitLines
		if binaryMode {
			split = a.splitBinary
		}
		messages, err := split(body)
		if err != nil {
			return
		}
		size := 0
		for _, m := range messages {
			if len(m.Body) == 0 || len(m.Body) > maxMsg {
				t.Errorf("a message of %d bytes", len(m.Body))
			}
			if !binaryMode && strings.Contains(string(m.Body), "\n") {
				t.Errorf("a line with a newline: %q", m.Body)
			}
			size += len(m.Body)
		}
		if size > len(body) || binaryMode && int64(len(messages)) > (maxBody-4)/5 {
			t.Errorf("%d messages, %d bytes, of %d", len(messages), size, len(body))
		}
	})
}
