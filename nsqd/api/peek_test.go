package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"nsqsuite/protocol"
)

func (f *fixture) peek(query string) protocol.Peek {
	f.Helper()
	a := f.do("GET /channel/peek?topic=t&channel=c"+query, "")
	var p protocol.Peek
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.status != 200 {
		f.Fatalf("%d %s, %v", a.status, a.body, err)
	}
	return p
}

func TestPeek(t *testing.T) {
	f := newFixture(t)
	f.check([]row{
		{"POST /channel/peek", "", 405, "METHOD_NOT_ALLOWED"},
		{"GET /channel/peek", "", 400, "MISSING_ARG_TOPIC"},
		{"GET /channel/peek?topic=t", "", 400, "MISSING_ARG_CHANNEL"},
		{"GET /channel/peek?topic=t&channel=c", "", 404, "TOPIC_NOT_FOUND"},
		{"POST /topic/create?topic=t", "", 200, ""},
		{"GET /channel/peek?topic=t&channel=c", "", 404, "CHANNEL_NOT_FOUND"},
		{"POST /channel/create?topic=t&channel=c", "", 200, ""},
		{"GET /channel/peek?topic=t&channel=c&state=lost", "", 400, "INVALID_STATE"},
		{"GET /channel/peek?topic=t&channel=c&limit=0", "", 400, "INVALID_ARG_LIMIT"},
		{"GET /channel/peek?topic=t&channel=c&limit=1001", "", 400, "INVALID_ARG_LIMIT"},
		{"GET /channel/peek?topic=t&channel=c&max_body=x", "", 400, "INVALID_ARG_MAX_BODY"},
		{"GET /channel/peek?topic=t&channel=c&from=-1", "", 400, "INVALID_ARG_FROM"},
		{"GET /channel/peek?topic=t&channel=c", "", 200, `{"messages":[]}`},
		{"POST /channel/cancel?topic=t&channel=c", "", 400, "MISSING_ARG_ID"},
		{"POST /channel/cancel?topic=t&channel=c&id=1", "", 400, "INVALID_ARG_ID"},
		{"POST /channel/cancel?topic=t&channel=c&id=0000000000000000", "", 404, "MESSAGE_NOT_FOUND"},
		{"POST /channel/cancel?topic=t&channel=c&id=not+hexadecimal!", "", 404, "MESSAGE_NOT_FOUND"},
	})
	for i := range 5 {
		f.do("POST /pub?topic=t", fmt.Sprint("message ", i))
	}
	f.do("POST /pub?topic=t&defer=60000", "later")
	first := f.peek("&limit=2&max_body=3")
	if len(first.Messages) != 2 || string(first.Messages[0].Body) != "mes" || first.Messages[0].Size != 9 || first.Next == "" {
		t.Fatalf("%+v", first)
	}
	rest := f.peek("&state=ready&from=" + first.Next)
	if len(rest.Messages) != 3 || string(rest.Messages[0].Body) != "message 2" || rest.Next != "" {
		t.Fatalf("%+v", rest)
	}
	deferred := f.peek("&state=deferred")
	if len(deferred.Messages) != 1 || string(deferred.Messages[0].Body) != "later" || deferred.Messages[0].Until == 0 {
		t.Fatalf("%+v", deferred)
	}
	f.check([]row{
		{"POST /channel/cancel?topic=t&channel=c&id=" + first.Messages[0].ID, "", 404, "MESSAGE_NOT_FOUND"},
		{"POST /channel/cancel?topic=t&channel=c&id=" + deferred.Messages[0].ID, "", 200, ""},
		{"GET /channel/peek?topic=t&channel=c&state=deferred", "", 200, `{"messages":[]}`},
		{"GET /channel/peek?topic=t&channel=c&state=in_flight", "", 200, `{"messages":[]}`},
	})
	if a := f.do("GET /stats?topic=t&format=json", ""); !strings.Contains(a.body, `"depth":5,`) {
		t.Errorf("looking changed something: %s", a.body)
	}
}
