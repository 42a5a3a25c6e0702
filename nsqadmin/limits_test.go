package nsqadmin_test

import (
	"strings"
	"testing"

	"nsqsuite/internal/nsqtest"
)

// TestLimitsAreShown has a channel nearly full, and a topic that has refused messages.
func TestLimitsAreShown(t *testing.T) {
	n := newNsqd(t, "a", 5)
	stats := strings.Replace(n.answers["/stats"], `"channel_name":"c1",`,
		`"channel_name":"c1","limits":{"max_age":"1h30m0s","max_depth":100,"max_bytes":0,"overflow":"drop-oldest","depth":95,"bytes":9500,"rejected_count":0,"dropped_count":77,"expired_count":3},`, 1)
	n.answers["/stats"] = strings.Replace(stats, `"topic_name":"t",`,
		`"topic_name":"t","limits":{"max_age":"0s","max_depth":0,"max_bytes":20000,"overflow":"reject","depth":95,"bytes":9500,"rejected_count":42,"dropped_count":0,"expired_count":0},`, 1)
	a := over(t, newLookupd(t, n, newNsqd(t, "b", 7)))
	for path, words := range map[string][]string{
		"/topics/t/c1": {"is at 95% of its limit", "the oldest messages are dropped", "Nearly full", "95 of 100 messages", "9.5 kB, any", "1 h 30", "drops the oldest", ">77<"},
		"/topics/t":    {"9.5 kB of 20 kB", "refuses publishes", ">42<", "is at 95% of its limit"},
		"/":            {"is at 95% of its limit"},
	} {
		page := nsqtest.Get(t, a.url+path)
		checkPage(t, path, page)
		for _, w := range words {
			if !strings.Contains(page, w) {
				t.Errorf("%s lacks %q", path, w)
			}
		}
	}
	if page := nsqtest.Get(t, a.url+"/topics/t/c2"); strings.Contains(page, "Limits") {
		t.Error("a channel without limits shows some")
	}
	if text := nsqtest.Get(t, a.url+"/api/topics/t/c1"); strings.Count(text, `"limits":{"max_age":"1h30m0s","max_depth":100`) != 1 {
		t.Errorf("the API: %s", text)
	}
}
