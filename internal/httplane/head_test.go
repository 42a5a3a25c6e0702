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

// TestClients has what clients send that are in use.
func TestClients(t *testing.T) {
	for name, fields := range map[string]string{
		"Go":       "User-Agent: Go-http-client/1.1|Content-Length: 1|Content-Type: application/octet-stream|Accept-Encoding: gzip|",
		"curl":     "User-Agent: curl/8.5.0|Accept: */*|Content-Length: 1|Content-Type: application/x-www-form-urlencoded|",
		"requests": "User-Agent: python-requests/2.31.0|Accept-Encoding: gzip, deflate|Accept: */*|Connection: keep-alive|Content-Length: 1|",
		"Java":     "Content-Length: 1|User-Agent: Java-http-client/21.0.2|Content-Type: text/plain; charset=UTF-8|",
		"node":     "connection: keep-alive|content-type: text/plain;charset=UTF-8|accept: */*|accept-language: *|sec-fetch-mode: cors|user-agent: node|accept-encoding: gzip, deflate|content-length: 1|",
		"traced":   "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01|Content-Length: 1|",
		"proxied":  "X-Forwarded-For: 10.0.0.1, 10.0.0.2|X-Forwarded-Proto: https|Via: 1.1 proxy|Content-Length: 1|",
	} {
		text := "POST /pub?topic=t HTTP/1.1|Host: nsqd-0.nsqd:4151|" + fields + "|"
		if h, v := parse([]byte(strings.ReplaceAll(text, "|", "\r\n"))); v != certain || h.length != 1 {
			t.Errorf("%s: %d, %+v", name, v, h)
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
