package api

import (
	"strings"
	"testing"

	"nsqsuite/internal/vfs"
)

// TestTopicsAndChannels is the route table of 1.2, in an order that tells a story.
func TestTopicsAndChannels(t *testing.T) {
	f := newFixture(t)
	f.check([]row{
		{"POST /topic/create", "", 400, "MISSING_ARG_TOPIC"},
		{"POST /topic/create", "topic=t", 400, "MISSING_ARG_TOPIC"},
		{"POST /topic/create?topic=%zz", "", 400, "INVALID_REQUEST"},
		{"POST /topic/create?a;b", "", 400, "INVALID_REQUEST"},
		{"POST /topic/create?topic=", "", 400, "INVALID_TOPIC"},
		{"POST /topic/create?topic=t*", "", 400, "INVALID_TOPIC"},
		{"POST /topic/create?topic=" + strings.Repeat("n", 65), "", 400, "INVALID_TOPIC"},
		{"POST /topic/create?topic=%23ephemeral", "", 400, "INVALID_TOPIC"},
		{"POST /topic/create?topic=" + strings.Repeat("n", 64), "ignored", 200, ""},
		{"POST /topic/create?topic=e%23ephemeral", "", 200, ""},
		{"POST /topic/create?topic=t&topic=other", "", 200, ""},
		{"POST /topic/create?topic=t", "", 200, ""},

		{"POST /topic/empty", "", 400, "MISSING_ARG_TOPIC"},
		{"POST /topic/empty?%zz", "", 400, "INVALID_REQUEST"},
		{"POST /topic/empty?topic=", "", 400, "INVALID_TOPIC"},
		{"POST /topic/empty?topic=none", "", 404, "TOPIC_NOT_FOUND"},
		{"POST /topic/empty?topic=t", "", 200, ""},
	})
	for _, verb := range []string{"delete", "pause", "unpause"} {
		f.check([]row{
			{"POST /topic/" + verb, "", 400, "MISSING_ARG_TOPIC"},
			{"POST /topic/" + verb + "?%zz", "", 400, "INVALID_REQUEST"},
			{"POST /topic/" + verb + "?topic=", "", 404, "TOPIC_NOT_FOUND"},
			{"POST /topic/" + verb + "?topic=t*", "", 404, "TOPIC_NOT_FOUND"},
			{"POST /topic/" + verb + "?topic=none", "", 404, "TOPIC_NOT_FOUND"},
		})
	}
	for _, verb := range []string{"create", "delete", "empty", "pause", "unpause"} {
		f.check([]row{
			{"POST /channel/" + verb + "?%zz", "", 400, "INVALID_REQUEST"},
			{"POST /channel/" + verb, "", 400, "MISSING_ARG_TOPIC"},
			{"POST /channel/" + verb + "?topic=t*", "", 400, "INVALID_ARG_TOPIC"},
			{"POST /channel/" + verb + "?topic=t", "", 400, "MISSING_ARG_CHANNEL"},
			{"POST /channel/" + verb + "?topic=none&channel=", "", 400, "INVALID_ARG_CHANNEL"},
			{"POST /channel/" + verb + "?topic=none&channel=c*", "", 400, "INVALID_ARG_CHANNEL"},
			{"POST /channel/" + verb + "?topic=none&channel=c", "", 404, "TOPIC_NOT_FOUND"},
		})
		if verb != "create" {
			f.check([]row{{"POST /channel/" + verb + "?topic=t&channel=c", "", 404, "CHANNEL_NOT_FOUND"}})
		}
	}
	f.check([]row{
		{"POST /channel/create?topic=t&channel=c", "", 200, ""},
		{"POST /channel/create?topic=t&channel=c", "", 200, ""},
		{"POST /channel/create?topic=t&channel=c%23ephemeral", "", 200, ""},
		{"POST /pub?topic=t", "x", 200, "OK"},
		{"POST /channel/empty?topic=t&channel=c", "", 200, ""},
		{"POST /channel/delete?topic=t&channel=c", "", 200, ""},
		{"POST /channel/delete?topic=t&channel=c", "", 404, "CHANNEL_NOT_FOUND"},
		{"POST /topic/delete?topic=t", "", 200, ""},
		{"POST /topic/delete?topic=t", "", 404, "TOPIC_NOT_FOUND"},
	})
}

// TestPausePersists: the metadata is written before the answer.
func TestPausePersists(t *testing.T) {
	f := newFixture(t)
	f.do("POST /topic/create?topic=t", "")
	f.do("POST /channel/create?topic=t&channel=c", "")
	topic, _ := f.broker.FindTopic("t")
	channel, _ := topic.FindChannel("c")
	for i, c := range []struct {
		path   string
		paused func() bool
		want   bool
	}{
		{"/topic/pause?topic=t", topic.Paused, true},
		{"/topic/unpause?topic=t", topic.Paused, false},
		{"/channel/pause?topic=t&channel=c", channel.Paused, true},
		{"/channel/unpause?topic=t&channel=c", channel.Paused, false},
	} {
		f.check([]row{{"POST " + c.path, "", 200, ""}})
		if c.paused() != c.want || f.persisted != i+1 {
			t.Errorf("%s: paused is %t, persisted %d times", c.path, c.paused(), f.persisted)
		}
	}
	f.refuse = errDisk
	f.check([]row{{"POST /topic/pause?topic=t", "", 500, "INTERNAL_ERROR"}})
	if !topic.Paused() || !strings.Contains(f.log.String(), "failure in /topic/pause - the disk is full") {
		t.Error("a pause that cannot be written is not carried out, or nobody learns of it")
	}
}

func TestEmptyTopicLeavesChannels(t *testing.T) {
	f := newFixture(t)
	f.do("POST /mpub?topic=held", "a\nb\nc")
	f.check([]row{{"POST /topic/empty?topic=held", "", 200, ""}})
	if got := f.messages("held"); len(got) != 0 {
		t.Errorf("messages after emptying the topic: %q", got)
	}
	f.do("POST /channel/create?topic=held&channel=c", "")
	f.do("POST /mpub?topic=held", "a\nb\nc")
	f.do("POST /topic/empty?topic=held", "")
	topic, _ := f.broker.FindTopic("held")
	c, _ := topic.FindChannel("c")
	if got := c.Stats().Depth; got != 3 {
		t.Errorf("the channel's depth is %d, want 3", got)
	}
	f.check([]row{{"POST /channel/empty?topic=held&channel=c", "", 200, ""}})
	if got := c.Stats().Depth; got != 0 {
		t.Errorf("the channel's depth is %d, want 0", got)
	}
}

func TestRouting(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		request string
		status  int
		header  string
		want    string
	}{
		{"GET /ping", 200, "Content-Type", textType},
		{"GET /ping?%zz", 200, "X-NSQ-Content-Type", ""},
		{"GET /info?%zz", 200, "X-NSQ-Content-Type", nsqType},
		{"HEAD /ping", 405, "Allow", "GET, OPTIONS"},
		{"GET /pub", 405, "Allow", "OPTIONS, POST"},
		{"POST /config/x", 405, "Allow", "GET, OPTIONS, PUT"},
		{"GET /debug/setblockrate", 405, "Allow", "OPTIONS, PUT"},
		{"OPTIONS /debug/pprof/symbol", 200, "Allow", "GET, OPTIONS, POST"},
		{"OPTIONS /pub", 200, "Allow", "OPTIONS, POST"},
		{"OPTIONS /none", 404, "Allow", ""},
		{"GET /ping/", 301, "Location", "/ping"},
		{"GET //ping?a=b", 301, "Location", "/ping?a=b"},
		{"GET /Stats?format=json", 301, "Location", "/stats?format=json"},
		{"POST /PUB?topic=a", 307, "Location", "/pub?topic=a"},
		{"POST /ping/", 404, "Location", ""},
		{"GET /config", 404, "Location", ""},
		{"GET /config/", 404, "Location", ""},
		{"GET /debug/pprof", 301, "Location", "/debug/pprof/"},
		{"GET /debug/pprof/", 200, "X-NSQ-Content-Type", ""},
		{"GET /debug/pprof/heap", 200, "X-NSQ-Content-Type", ""},
		{"GET /debug/pprof/threadcreate?debug=1", 200, "X-NSQ-Content-Type", ""},
		{"GET /debug/pprof/mutex", 404, "Content-Type", jsonType},
		{"GET /none", 404, "Content-Type", jsonType},
	} {
		got := f.do(c.request, "")
		if got.status != c.status || got.Get(c.header) != c.want {
			t.Errorf("%s: %d, %s is %q; want %d, %q", c.request, got.status, c.header, got.Get(c.header), c.status, c.want)
		}
	}
	for _, line := range []string{"200 GET /ping (", "404 GET /none (", "405 POST /config/x (", "200 GET /info?%zz ("} {
		if !strings.Contains(f.log.String(), line) {
			t.Errorf("the access log lacks %q", line)
		}
	}
	for _, line := range []string{"/debug/pprof/heap", "OPTIONS /pub", "/PUB", "INFO: 301"} {
		if strings.Contains(f.log.String(), line) {
			t.Errorf("the access log has %q", line)
		}
	}
}

func TestHealth(t *testing.T) {
	f := newFixture(t)
	f.check([]row{{"POST /pub?topic=t", "x", 200, "OK"}})
	if got := f.do("GET /ping", ""); got.status != 200 || got.body != "OK" {
		t.Errorf("/ping: %d %q", got.status, got.body)
	}
	f.noDisk(vfs.OpWrite)
	f.check([]row{{"POST /pub?topic=t", "x", 503, "EXITING"}, {"POST /mpub?topic=t", "x\ny", 503, "EXITING"}})
	got := f.do("GET /ping", "")
	if got.status != 500 || !strings.HasPrefix(got.body, "NOK - ") || !strings.HasSuffix(got.body, errDisk.Error()) || got.Get("X-NSQ-Content-Type") != "" {
		t.Errorf("/ping: %d %q, %v", got.status, got.body, got.Header)
	}
	if stats := f.do("GET /stats", ""); !strings.Contains(stats.body, "\nHealth: "+got.body+"\n") {
		t.Errorf("/stats: %s", stats.body)
	}
	f.disk.Fail(nil)
	f.check([]row{{"POST /pub?topic=t", "x", 200, "OK"}})
	if got := f.do("GET /ping", ""); got.body != "OK" {
		t.Errorf("/ping: %d %q", got.status, got.body)
	}
}

func TestConfig(t *testing.T) {
	f := newFixture(t)
	f.check([]row{
		{"GET /config/word", "", 200, "a\n"},
		{"GET /config/list", "", 200, "[]"},
		{"GET /config/number", "", 200, "3"},
		{"GET /config/level", "", 200, "3"},
		{"GET /config/none", "", 400, "INVALID_OPTION"},
		{"PUT /config/word", "new", 200, "new"},
		{"PUT /config/word", "bad", 400, "INVALID_VALUE"},
		{"PUT /config/list", "[]", 400, "INVALID_OPTION"},
		{"PUT /config/none", "1", 400, "INVALID_OPTION"},
		{"PUT /config/none", "", 413, "INVALID_VALUE"},
		{"PUT /config/word", strings.Repeat("x", maxMsg), 200, strings.Repeat("x", maxMsg)},
		{"PUT /config/word", strings.Repeat("x", maxMsg+1), 413, "INVALID_VALUE"},
	})
}

func TestDebug(t *testing.T) {
	f := newFixture(t)
	const complaint = `invalid block rate : strconv.Atoi: parsing "%s": invalid syntax`
	for _, c := range []struct {
		request string
		status  int
		body    string
	}{
		{"PUT /debug/setblockrate?rate=0", 200, ""},
		{"PUT /debug/setblockrate?rate=abc", 400, strings.Replace(complaint, "%s", "abc", 1)},
		{"PUT /debug/setblockrate", 400, strings.Replace(complaint, "%s", "", 1)},
		{"POST /debug/freememory", 200, ""},
	} {
		if got := f.do(c.request, ""); got.status != c.status || got.body != c.body || got.Get("X-NSQ-Content-Type") != "" {
			t.Errorf("%s: %d %q, %v", c.request, got.status, got.body, got.Header)
		}
	}
}
