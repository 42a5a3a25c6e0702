package api

import (
	"encoding/json"
	"strings"
	"testing"

	"nsqsuite/protocol"
)

const noLimits = `{"max_age":"0s","max_depth":0,"max_bytes":0,"overflow":"reject","own":{}}`

func TestLimits(t *testing.T) {
	f := newFixture(t)
	f.do("POST /channel/create?topic=t&channel=c", "")
	f.do("POST /topic/create?topic=t", "")
	f.do("POST /channel/create?topic=t&channel=c", "")
	for path, of := range map[string]string{"/topic/limits": "?topic=t", "/channel/limits": "?topic=t&channel=c"} {
		for _, method := range []string{"GET ", "POST "} {
			f.check([]row{
				{method + path, "", 400, "MISSING_ARG_TOPIC"},
				{method + path + "?%zz", "", 400, "INVALID_REQUEST"},
				{method + path + strings.Replace(of, "=t", "=none", 1), "", 404, "TOPIC_NOT_FOUND"},
			})
		}
		set := "POST " + path + of + "&"
		f.check([]row{
			{"GET " + path + of, "", 200, noLimits},
			{set, "", 200, noLimits},
			{set + "max_depth=-1", "", 400, "INVALID_ARG_MAX_DEPTH"},
			{set + "max_depth=1.5", "", 400, "INVALID_ARG_MAX_DEPTH"},
			{set + "max_depth=9223372036854775808", "", 400, "INVALID_ARG_MAX_DEPTH"},
			{set + "max_bytes=x", "", 400, "INVALID_ARG_MAX_BYTES"},
			{set + "max_age=60", "", 400, "INVALID_ARG_MAX_AGE"},
			{set + "max_age=-1s", "", 400, "INVALID_ARG_MAX_AGE"},
			{set + "overflow=drop", "", 400, "INVALID_ARG_OVERFLOW"},
			{set + "max_deep=1", "", 400, "INVALID_ARG_MAX_DEEP"},
			{"GET " + path + of, "", 200, noLimits},
			{set + "max_depth=2&overflow=drop-oldest", "", 200,
				`{"max_age":"0s","max_depth":2,"max_bytes":0,"overflow":"drop-oldest","own":{"max_depth":2,"overflow":"drop-oldest"}}`},
			{set + "max_age=90m&max_bytes=1000&overflow=", "", 200,
				`{"max_age":"1h30m0s","max_depth":2,"max_bytes":1000,"overflow":"reject","own":{"max_age":"1h30m0s","max_depth":2,"max_bytes":1000}}`},
			{set + "max_age=&max_depth=0&max_bytes=", "", 200, `{"max_age":"0s","max_depth":0,"max_bytes":0,"overflow":"reject","own":{"max_depth":0}}`},
			{set + "max_depth=", "", 200, noLimits},
		})
	}
	f.check([]row{
		{"GET /topic/limits?topic=t*", "", 400, "INVALID_TOPIC"},
		{"GET /channel/limits?topic=t*&channel=c", "", 400, "INVALID_ARG_TOPIC"},
		{"GET /channel/limits?topic=t", "", 400, "MISSING_ARG_CHANNEL"},
		{"GET /channel/limits?topic=t&channel=none", "", 404, "CHANNEL_NOT_FOUND"},
		{"PUT /topic/limits?topic=t", "", 405, "METHOD_NOT_ALLOWED"},
	})
	if f.persisted != 2*5 {
		t.Errorf("persisted %d times", f.persisted)
	}
	f.refuse = errDisk
	f.check([]row{{"POST /topic/limits?topic=t&max_depth=1", "", 500, "INTERNAL_ERROR"}})
}

// TestFull has publishers meet a full channel, and /stats show it.
func TestFull(t *testing.T) {
	f := newFixture(t)
	f.do("POST /topic/create?topic=t", "")
	f.do("POST /channel/create?topic=t&channel=c", "")
	f.do("POST /channel/create?topic=t&channel=free", "")
	before := f.do("GET /stats?format=json", "").body
	if strings.Contains(before, "limits") {
		t.Errorf("without limits /stats shows some: %s", before)
	}
	f.do("POST /channel/limits?topic=t&channel=c&max_depth=2", "")
	f.check([]row{{"POST /pub?topic=t", "a", 200, "OK"}})
	for request, body := range map[string]string{"/mpub?topic=t": "b\nc", "/mpub?topic=t&binary=true": "\x00\x00\x00\x02\x00\x00\x00\x01b\x00\x00\x00\x01c"} {
		got := f.do("POST "+request, body)
		want := `{"message":"FULL","reason":"channel c is full: 1 of 2 messages, refused 2 more"}`
		if got.status != 429 || got.body != want || got.Get("Retry-After") != "1" || got.Get("Content-Type") != jsonType {
			t.Errorf("%s: %d %s, %v", request, got.status, got.body, got.Header)
		}
	}
	f.check([]row{{"POST /pub?topic=t&defer=1000", "b", 200, "OK"}})
	if got := f.do("POST /pub?topic=t", "x"); got.status != 429 {
		t.Errorf("%d %s", got.status, got.body)
	}
	var stats protocol.Stats
	if err := json.Unmarshal([]byte(f.do("GET /stats?format=json", "").body), &stats); err != nil {
		t.Fatal(err)
	}
	topic := stats.Topics[0]
	bytes := int64(2 * (protocol.MessageFrameHeaderSize + 1))
	if l := topic.Limits; l == nil || l.RejectedCount != 5 || l.Depth != 2 || l.Bytes != bytes {
		t.Errorf("topic: %+v", l)
	}
	if l := topic.Channels[0].Limits; l == nil || l.MaxDepth != 2 || l.Overflow != protocol.Reject || l.Depth != 2 || l.Bytes != bytes {
		t.Errorf("channel: %+v", l)
	}
	if l := topic.Channels[1].Limits; l != nil {
		t.Errorf("the channel without: %+v", l)
	}
	f.do("POST /channel/empty?topic=t&channel=c", "")
	f.check([]row{{"POST /mpub?topic=t", "b\nc", 200, "OK"}})
}
