package nsqlookupd

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"nsqsuite/internal/nsqtest"
)

func TestFigures(t *testing.T) {
	d := start(t)
	d.join(t, "a.example", 1, "t c", "u")
	d.join(t, "b.example", 2, "t c")
	url := "http://" + d.HTTPAddr().String()
	for _, request := range []string{"GET /lookup?topic=t", "GET /lookup?topic=none", "POST /topic/tombstone?topic=u&node=a.example:1", "POST /topic/create?topic=v"} {
		method, path, _ := strings.Cut(request, " ")
		nsqtest.Do(t, method, url+path, "")
	}
	odd := d.dial(t)
	odd.send("  V1ODD\n")
	odd.expect("E_INVALID invalid command ODD")
	odd.expectEOF()
	text := nsqtest.Get(t, url+"/metrics")
	for _, line := range []string{
		`nsqlookupd_topics 3`,
		`nsqlookupd_channels 1`,
		`nsqlookupd_producers{state="active"} 2`,
		`nsqlookupd_producers{state="inactive"} 0`,
		`nsqlookupd_registrations{kind="topic"} 3`,
		`nsqlookupd_registrations{kind="channel"} 2`,
		`nsqlookupd_tombstones 1`,
		`nsqlookupd_lookups_total{result="found"} 1`,
		`nsqlookupd_lookups_total{result="unknown"} 1`,
		`nsqlookupd_commands_total{command="IDENTIFY"} 2`,
		`nsqlookupd_commands_total{command="REGISTER"} 3`,
		`nsqlookupd_commands_total{command="(other)"} 1`,
		`nsqlookupd_http_requests_total{code="404",method="GET",route="/lookup"} 1`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("/metrics lacks %s:\n%s", line, text)
		}
	}
	if problems, err := testutil.GatherAndLint(d.figures); err != nil || len(problems) > 0 {
		t.Errorf("names: %v, %v", problems, err)
	}
	for path, want := range map[string]string{"/healthz": `{"status":"alive"}`, "/readyz": `{"ready":true,"checks":[]}`} {
		if got := nsqtest.Get(t, url+path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}
