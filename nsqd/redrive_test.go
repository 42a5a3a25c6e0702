package nsqd

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/protocol"
)

func redriven(t *testing.T, method, url string) (p protocol.Redrive) {
	t.Helper()
	body, status := nsqtest.Do(t, method, url, "")
	if err := json.Unmarshal([]byte(body), &p); err != nil || status != 200 {
		t.Fatalf("%s %s: %d %s", method, url, status, body)
	}
	return p
}

// TestRedriveAcrossRestart stops the daemon in the middle of a redrive: all
// messages are in one place or the other, and a second one moves the rest.
func TestRedriveAcrossRestart(t *testing.T) {
	o := testOptions(t)
	d := startNSQD(t, o)
	nsqtest.Do(t, "POST", d.url("/topic/create?topic=dead"), "")
	nsqtest.Do(t, "POST", d.url("/channel/create?topic=dead&channel=c"), "")
	var bodies strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&bodies, "message %d\n", i)
	}
	nsqtest.Do(t, "POST", d.url("/mpub?topic=dead"), bodies.String())
	redriven(t, "POST", d.url("/channel/redrive?topic=dead&channel=c&to=work&rate=2000"))
	nsqtest.Eventually(t, patience, "some are moved", func() bool {
		return redriven(t, "GET", d.url("/channel/redrive?topic=dead&channel=c")).Moved > 0
	})
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(d.log.String(), "REDRIVE(dead/c to work): stopped") {
		t.Error("the log does not tell of it")
	}
	o = testOptions(t)
	o.DataPath = d.options.DataPath
	d = startNSQD(t, o)
	if body, status := nsqtest.Do(t, "GET", d.url("/channel/redrive?topic=dead&channel=c"), ""); status != 404 {
		t.Errorf("after a restart: %d %s", status, body)
	}
	if p := redriven(t, "POST", d.url("/channel/redrive?topic=dead&channel=c&to=work")); p.Total == 0 || p.Total == 5000 {
		t.Errorf("the second one begins with %d messages", p.Total)
	}
	nsqtest.Eventually(t, patience, "the rest is moved", func() bool {
		return redriven(t, "GET", d.url("/channel/redrive?topic=dead&channel=c")).State == protocol.RedriveDone
	})
	var s protocol.Stats
	if err := json.Unmarshal([]byte(nsqtest.Get(t, d.url("/stats?format=json"))), &s); err != nil {
		t.Fatal(err)
	}
	if dead, work := s.Topics[0], s.Topics[1]; dead.Channels[0].Depth != 0 || work.Depth != 5000 {
		t.Errorf("%+v, %+v", dead, work)
	}
}
