package api

import (
	"encoding/json"
	"strings"
	"testing"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/protocol"
)

func TestRedrive(t *testing.T) {
	f := newFixture(t)
	f.check([]row{
		{"GET /channel/redrive", "", 400, "MISSING_ARG_TOPIC"},
		{"GET /channel/redrive?topic=t&channel=c", "", 404, "TOPIC_NOT_FOUND"},
		{"POST /topic/create?topic=t", "", 200, ""},
		{"POST /channel/redrive?topic=t&channel=c&to=u", "", 404, "CHANNEL_NOT_FOUND"},
		{"POST /channel/create?topic=t&channel=c", "", 200, ""},
		{"POST /channel/redrive?topic=t&channel=c", "", 400, "MISSING_ARG_TO"},
		{"POST /channel/redrive?topic=t&channel=c&to=a+b", "", 400, "INVALID_ARG_TO"},
		{"POST /channel/redrive?topic=t&channel=c&to=u&rate=-1", "", 400, "INVALID_ARG_RATE"},
		{"POST /channel/redrive?topic=t&channel=c&to=u&rate=9999999999", "", 400, "INVALID_ARG_RATE"},
		{"POST /channel/redrive?topic=t&channel=c&to=u&limit=all", "", 400, "INVALID_ARG_LIMIT"},
		{"GET /channel/redrive?topic=t&channel=c", "", 404, "REDRIVE_NOT_FOUND"},
		{"POST /channel/redrive/stop?topic=t&channel=c", "", 404, "REDRIVE_NOT_FOUND"},
		{"DELETE /channel/redrive?topic=t&channel=c", "", 405, "METHOD_NOT_ALLOWED"},
	})
	for range 3 {
		f.do("POST /pub?topic=t", "message")
	}
	got := f.redrive("POST /channel/redrive?topic=t&channel=c&to=u&rate=1")
	if got.To != "u" || got.Rate != 1 || got.Total != 3 || got.State != protocol.RedriveRunning {
		t.Errorf("%+v", got)
	}
	f.check([]row{{"POST /channel/redrive?topic=t&channel=c&to=u", "", 409, "REDRIVE_RUNNING"}})
	got = f.redrive("POST /channel/redrive/stop?topic=t&channel=c")
	if got.State != protocol.RedriveStopped || got.Moved+got.Left != 3 || got.Ended == 0 {
		t.Errorf("%+v", got)
	}
	f.redrive("POST /channel/redrive?topic=t&channel=c&to=u&limit=1")
	nsqtest.Eventually(t, patience, "one more is moved", func() bool {
		got := f.redrive("GET /channel/redrive?topic=t&channel=c")
		return got.State == protocol.RedriveDone && got.Moved == 1 && got.Total == 1
	})
	if !strings.Contains(f.log.String(), "REDRIVE(t/c to u): done, 1 messages moved") {
		t.Error(f.log.String())
	}
	f.do("POST /channel/delete?topic=t&channel=c", "")
	f.check([]row{{"GET /channel/redrive?topic=t&channel=c", "", 404, "CHANNEL_NOT_FOUND"}})
}

func (f *fixture) redrive(request string) (p protocol.Redrive) {
	f.Helper()
	a := f.do(request, "")
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.status != 200 {
		f.Fatalf("%s: %d %s", request, a.status, a.body)
	}
	return p
}
