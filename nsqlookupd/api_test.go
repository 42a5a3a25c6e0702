package nsqlookupd

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"nsqsuite/internal/version"
)

const (
	jsonType = "application/json; charset=utf-8"
	nsqType  = "nsq; version=1.0"
)

// ask sends a request, follows no redirect, and returns the answer and its body.
func (d *daemon) ask(t *testing.T, request string) (*http.Response, string) {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	req, err := http.NewRequest(method, "http://"+d.HTTPAddr().String()+path, strings.NewReader("topic=inbody"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// TestEndpoints is the table of nsqlookupd.md 4.2, in an order that tells a story.
func TestEndpoints(t *testing.T) {
	d := start(t)
	for _, c := range []struct {
		request string
		status  int
		want    string // the body, or the error's message
	}{
		{"GET /info", 200, `{"version":"` + version.Number + `"}`},
		{"GET /topics", 200, `{"topics":[]}`},
		{"GET /nodes", 200, `{"producers":[]}`},
		{"GET /debug", 200, `{}`},
		{"GET /channels", 400, "MISSING_ARG_TOPIC"},
		{"GET /channels?topic=%zz", 400, "INVALID_REQUEST"},
		{"GET /channels?topic=a;b", 400, "INVALID_REQUEST"},
		{"GET /channels?topic=", 200, `{"channels":[]}`},
		{"GET /channels?topic=t", 200, `{"channels":[]}`},
		{"GET /lookup", 400, "MISSING_ARG_TOPIC"},
		{"GET /lookup?topic=%zz", 400, "INVALID_REQUEST"},
		{"GET /lookup?topic=t", 404, "TOPIC_NOT_FOUND"},
		{"GET /lookup?topic=", 404, "TOPIC_NOT_FOUND"},

		{"POST /topic/create", 400, "MISSING_ARG_TOPIC"},
		{"POST /topic/create?topic=%zz", 400, "INVALID_REQUEST"},
		{"POST /topic/create?topic=", 400, "INVALID_ARG_TOPIC"},
		{"POST /topic/create?topic=t*", 400, "INVALID_ARG_TOPIC"},
		{"POST /topic/create?topic=t&topic=other", 200, ""},
		{"POST /topic/create?topic=t", 200, ""},
		{"POST /topic/create?topic=e%23ephemeral", 200, ""},
		{"GET /topics", 200, `{"topics":["e#ephemeral","t"]}`},
		{"GET /lookup?topic=t", 200, `{"channels":[],"producers":[]}`},

		{"POST /channel/create?%zz", 400, "INVALID_REQUEST"},
		{"POST /channel/create?channel=c", 400, "MISSING_ARG_TOPIC"},
		{"POST /channel/create?topic=*", 400, "INVALID_ARG_TOPIC"},
		{"POST /channel/create?topic=t", 400, "MISSING_ARG_CHANNEL"},
		{"POST /channel/create?topic=t&channel=", 400, "INVALID_ARG_CHANNEL"},
		{"POST /channel/create?topic=t&channel=c*", 400, "INVALID_ARG_CHANNEL"},
		{"POST /channel/create?topic=u&channel=c", 200, ""},
		{"POST /channel/create?topic=u&channel=b", 200, ""},
		{"GET /topics", 200, `{"topics":["e#ephemeral","t","u"]}`},
		{"GET /channels?topic=u", 200, `{"channels":["b","c"]}`},
		{"GET /lookup?topic=u", 200, `{"channels":["b","c"],"producers":[]}`},

		{"GET /channels?topic=*", 200, `{"channels":[]}`},
		{"GET /lookup?topic=*", 404, "TOPIC_NOT_FOUND"},
		{"POST /topic/delete?topic=*", 200, ""},
		{"POST /topic/tombstone?topic=*&node=a:1", 200, ""},
		{"GET /topics", 200, `{"topics":["e#ephemeral","t","u"]}`},

		{"POST /channel/delete?%zz", 400, "INVALID_REQUEST"},
		{"POST /channel/delete", 400, "MISSING_ARG_TOPIC"},
		{"POST /channel/delete?topic=t*&channel=c", 400, "INVALID_ARG_TOPIC"},
		{"POST /channel/delete?topic=u", 400, "MISSING_ARG_CHANNEL"},
		{"POST /channel/delete?topic=u&channel=*", 400, "INVALID_ARG_CHANNEL"},
		{"POST /channel/delete?topic=u&channel=x", 404, "CHANNEL_NOT_FOUND"},
		{"POST /channel/delete?topic=x&channel=c", 404, "CHANNEL_NOT_FOUND"},
		{"POST /channel/delete?topic=u&channel=c", 200, ""},
		{"GET /channels?topic=u", 200, `{"channels":["b"]}`},

		{"POST /topic/delete?%zz", 400, "INVALID_REQUEST"},
		{"POST /topic/delete", 400, "MISSING_ARG_TOPIC"},
		{"POST /topic/delete?topic=unknown", 200, ""},
		{"POST /topic/delete?topic=u", 200, ""},
		{"GET /lookup?topic=u", 404, "TOPIC_NOT_FOUND"},
		{"GET /topics", 200, `{"topics":["e#ephemeral","t"]}`},

		{"POST /topic/tombstone?%zz", 400, "INVALID_REQUEST"},
		{"POST /topic/tombstone?node=a:1", 400, "MISSING_ARG_TOPIC"},
		{"POST /topic/tombstone?topic=t", 400, "MISSING_ARG_NODE"},
		{"POST /topic/tombstone?topic=t&node=", 200, ""},

		{"GET /", 404, "NOT_FOUND"},
		{"GET /none", 404, "NOT_FOUND"},
		{"OPTIONS /none", 404, "NOT_FOUND"},
		{"POST /topics", 405, "METHOD_NOT_ALLOWED"},
		{"GET /config/log_level", 404, "NOT_FOUND"},
		{"GET /debug/pprof/mutex", 404, "NOT_FOUND"},
	} {
		answer, body := d.ask(t, c.request)
		want, contentType := c.want, jsonType
		if c.status != 200 {
			want = fmt.Sprintf(`{"message":"%s"}`, c.want)
		} else if want == "" {
			contentType = ""
		}
		h := answer.Header
		if answer.StatusCode != c.status || body != want || h.Get("Content-Type") != contentType || h.Get("X-NSQ-Content-Type") != nsqType {
			t.Errorf("%s: %d %s, %v; want %d %s", c.request, answer.StatusCode, body, h, c.status, want)
		}
		if want == "" && h.Get("Content-Length") != "0" {
			t.Errorf("%s: headers %v", c.request, h)
		}
	}
}

func TestOtherRequests(t *testing.T) {
	d := start(t)
	for _, c := range []struct {
		request      string
		status       int
		header, want string
	}{
		{"GET /ping", 200, "Content-Type", "text/plain; charset=utf-8"},
		{"GET /ping", 200, "X-NSQ-Content-Type", ""},
		{"HEAD /ping", 405, "Allow", "GET, OPTIONS"},
		{"GET /topic/create", 405, "Allow", "OPTIONS, POST"},
		{"OPTIONS /topic/create", 200, "Allow", "OPTIONS, POST"},
		{"OPTIONS /debug/pprof/symbol", 200, "Allow", "GET, OPTIONS, POST"},
		{"GET /topics/?a=b", 301, "Location", "/topics?a=b"},
		{"POST /Topic/Create?topic=t", 307, "Location", "/topic/create?topic=t"},
		{"GET /debug/pprof", 301, "Location", "/debug/pprof/"},
		{"GET /debug/pprof/", 200, "X-NSQ-Content-Type", ""},
		{"GET /debug/pprof/goroutine?debug=1", 200, "X-NSQ-Content-Type", ""},
		{"GET /debug/pprof/cmdline", 200, "X-NSQ-Content-Type", ""},
	} {
		answer, body := d.ask(t, c.request)
		if got := answer.Header.Get(c.header); answer.StatusCode != c.status || got != c.want {
			t.Errorf("%s: %d, %s is %q, want %d, %q", c.request, answer.StatusCode, c.header, got, c.status, c.want)
		}
		if c.request == "GET /ping" && body != "OK" {
			t.Errorf("%s: %q", c.request, body)
		}
	}
}

// TestProducers is nsqlookupd.md 4.3 to 4.5.
func TestProducers(t *testing.T) {
	d := start(t)
	b := d.join(t, "b<", 2, "t c", "u")
	a := d.join(t, "::1", 1, "t c")
	one := func(c *client, broadcast string, http int) string {
		return fmt.Sprintf(`{"remote_address":"%s","hostname":"h","broadcast_address":"%s","tcp_port":4150,"http_port":%d,"version":"1.3.0","topology_zone":"z","topology_region":"r"`,
			c.LocalAddr(), broadcast, http)
	}
	first, second := one(a, "::1", 1), one(b, `b\u003c`, 2)
	check := func(path, want string) {
		t.Helper()
		if got := d.get(t, path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	check("/lookup?topic=t", `{"channels":["c"],"producers":[`+first+`},`+second+`}]}`)
	check("/lookup?topic=u", `{"channels":[],"producers":[`+second+`}]}`)
	check("/nodes", `{"producers":[`+first+`,"tombstones":[false],"topics":["t"]},`+second+`,"tombstones":[false,false],"topics":["t","u"]}]}`)

	for _, node := range []string{"::1:1", "[::1]:1"} {
		d.ask(t, "POST /topic/tombstone?topic=t&node="+node)
		check("/lookup?topic=t", `{"channels":["c"],"producers":[`+second+`}]}`)
		check("/nodes", `{"producers":[`+first+`,"tombstones":[true],"topics":["t"]},`+second+`,"tombstones":[false,false],"topics":["t","u"]}]}`)
		a.send("UNREGISTER t\nREGISTER t\n")
		a.expect("OK", "OK")
		check("/lookup?topic=t", `{"channels":["c"],"producers":[`+first+`},`+second+`}]}`)
	}
	d.ask(t, "POST /topic/tombstone?topic=u&node=b<:2")

	text := regexp.MustCompile(`"last_update":\d{19}`).ReplaceAllString(d.get(t, "/debug"), `"last_update":1`)
	text = regexp.MustCompile(`"tombstoned_at":\d{19}`).ReplaceAllString(text, `"tombstoned_at":2`)
	entry := func(c *client, broadcast string, http int, stone string) string {
		return fmt.Sprintf(`{"id":"%s","hostname":"h","broadcast_address":"%s","tcp_port":4150,"http_port":%d,"version":"1.3.0","topology_zone":"z","topology_region":"r","last_update":1,%s}`,
			c.LocalAddr(), broadcast, http, stone)
	}
	const never, set = `"tombstoned":false,"tombstoned_at":-6795364578871345152`, `"tombstoned":true,"tombstoned_at":2`
	first, second = entry(a, "::1", 1, never), entry(b, `b\u003c`, 2, never)
	want := `{"channel:t:c":[` + second + `],"client::":[` + first + `,` + second + `],"topic:t:":[` + first + `,` + second +
		`],"topic:u:":[` + entry(b, `b\u003c`, 2, set) + `]}`
	if text != want {
		t.Errorf("/debug: %s, want %s", text, want)
	}
}
