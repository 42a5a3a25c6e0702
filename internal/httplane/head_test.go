package httplane

import (
	"strings"
	"testing"
)

// TestParse has heads, in which | stands for CRLF.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		head string
		want verdict
	}{
		{"", incomplete},
		{"POST /a?b=c HTTP/1.1", incomplete},
		{"POST /a?b=c HTTP/1.1\r", incomplete},
		{"POST /a?b=c HTTP/1.1|Host: x|", incomplete},
		{"POST /a?b=c HTTP/1.1|Host: x||", certain},
		{"GET / HTTP/1.1|Host: x||", certain},
		{"POST / HTTP/1.1|hOST:[::1]:80 |Content-length:  7|User-Agent: a b|ACCEPT: */*|X-A-1:|Connection: Keep-Alive|Authorization: Bearer t||", certain},
		{"POST / HTTP/1.1|Host: x|Accept: a|Accept: b||", certain},

		{"POST / HTTP/1.1||", doubtful},
		{"POST / HTTP/1.0|Host: x||", doubtful},
		{"POST / HTTP/1.1 |Host: x||", doubtful},
		{"POST  / HTTP/1.1|Host: x||", doubtful},
		{"POST /a b HTTP/1.1|Host: x||", doubtful},
		{"POST /\x80 HTTP/1.1|Host: x||", doubtful},
		{"POST http://x/ HTTP/1.1|Host: x||", doubtful},
		{"PUT / HTTP/1.1|Host: x||", doubtful},
		{"post / HTTP/1.1|Host: x||", doubtful},
		{" POST / HTTP/1.1|Host: x||", doubtful},
		{"|POST / HTTP/1.1|Host: x||", doubtful},
		{"POST / HTTP/1.1\nHost: x||", doubtful},
		{"POST / HTTP/1.1|Host: x\n\n", doubtful},
		{"POST / HTTP/1.1|Host: x\r\r\n|", doubtful},
		{"POST / HTTP/1.1|Host: x|Accept: a\rb||", doubtful},
		{"POST / HTTP/1.1|Host: x|Accept: a\x00||", doubtful},
		{"POST / HTTP/1.1|Host: x|Accept: a| b||", doubtful},
		{"POST / HTTP/1.1|Host: x|Accept||", doubtful},
		{"POST / HTTP/1.1|Host: x|: a||", doubtful},
		{"POST / HTTP/1.1|Host: x|Accept : a||", doubtful},
		{"POST / HTTP/1.1|Host: x|X-A b: c||", doubtful},
		{"POST / HTTP/1.1|Host: x|X-" + strings.Repeat("a", maxName) + ": c||", doubtful},
		{"POST / HTTP/1.1|Host: x|Host: x||", doubtful},
		{"POST / HTTP/1.1|Host:||", doubtful},
		{"POST / HTTP/1.1|Host: a,b||", doubtful},
		{"POST / HTTP/1.1|Host: x|Content-Length: 1|Content-Length: 1||", doubtful},
		{"POST / HTTP/1.1|Host: x|Content-Length: 1, 1||", doubtful},
		{"POST / HTTP/1.1|Host: x|Content-Length: +1||", doubtful},
		{"POST / HTTP/1.1|Host: x|Content-Length: -1||", doubtful},
		{"POST / HTTP/1.1|Host: x|Content-Length: 0x1||", doubtful},
		{"POST / HTTP/1.1|Host: x|Content-Length: 1 1||", doubtful},
		{"POST / HTTP/1.1|Host: x|Content-Length:||", doubtful},
		{"POST / HTTP/1.1|Host: x|Content-Length: 1234567890||", doubtful},
		{"POST / HTTP/1.1|Host: x|Transfer-Encoding: chunked||", doubtful},
		{"POST / HTTP/1.1|Host: x|Content-Length: 1|Transfer-Encoding: identity||", doubtful},
		{"POST / HTTP/1.1|Host: x|Expect: 100-continue||", doubtful},
		{"POST / HTTP/1.1|Host: x|Upgrade: h2c||", doubtful},
		{"POST / HTTP/1.1|Host: x|Connection: close||", doubtful},
		{"POST / HTTP/1.1|Host: x|Connection: keep-alive, close||", doubtful},
		{"POST / HTTP/1.1|Host: x|Connection: keep-alive|Connection: close||", doubtful},
		{"POST / HTTP/1.1|Host: x|Trailer: a||", doubtful},
		{"POST / HTTP/1.1|Host: x|Authorization: a|Authorization: b||", doubtful},
	} {
		if h, v := parse([]byte(strings.ReplaceAll(c.head, "|", "\r\n"))); v != c.want {
			t.Errorf("%q: %d, want %d: %+v", c.head, v, c.want, h)
		}
	}
}

func TestParsed(t *testing.T) {
	const text = "POST /pub?topic=t HTTP/1.1\r\nContent-Length: 012\r\nAuthorization: Bearer a b\r\nHost: x:1\r\n\r\n"
	h, v := parse([]byte(text + "more"))
	if v != certain || h.size != len(text) || h.length != 12 || !h.post || string(h.target) != "/pub?topic=t" || string(h.authorization) != "Bearer a b" {
		t.Errorf("%d: %+v", v, h)
	}
}
