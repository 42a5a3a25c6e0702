package nsqadmin_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/nsqtest"
)

// maxPage is how many bytes a page of a large cluster has at most, before it is compressed.
const maxPage = 400_000

// TestFiveThousandTopics shows that a long list stays fast and can be found one's way in.
func TestFiveThousandTopics(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long under the race detector")
	}
	n := newNsqd(t, "a", 5)
	var topics []string
	for i := range 5000 {
		topics = append(topics, fmt.Sprintf(`{"topic_name":"t%04d","depth":%d,"message_count":%d,"channels":[{"channel_name":"c","depth":1,"client_count":1}]}`, i, i, i))
	}
	n.answers["/stats"] = `{"version":"1.3.0","health":"OK","topics":[` + strings.Join(topics, ",") + `]}`
	a := over(t, newLookupd(t, n))
	nsqtest.Eventually(t, patience, "the topics are there", func() bool {
		return strings.Contains(nsqtest.Get(t, a.url+"/topics"), "5,000 topics")
	})
	for path, want := range map[string]string{
		"/topics":                            `id="t-t4999"`,
		"/topics?page=50":                    `id="t-t0000"`,
		"/topics?page=99":                    "Page 50 of 50",
		"/topics?sort=name&page=2":           `id="t-t0100"`,
		"/topics?q=t0123":                    "1 of 5,000 topics",
		"/topics?q=depth%3E%3D4999":          "2 of 5,000 topics",
		"/nodes/" + n.address():              "Page 1 of 50",
		"/nodes/" + n.address() + "?page=50": ">t4999<",
		"/nodes/" + n.address() + "?q=t0123": "1 of 5,000 topics",
		"/":                                  "5,000",
		"/api/v2/search?q=t4999":             "t4999 / c",
		"/export/topics.csv?q=t0001":         "t0001,",
		"/topics/t4999":                      "How far each channel is behind",
		"/topics/t4999/c?span=2h":            "Consumers",
		"/api/v2/topics?q=depth%3C10":        `"topic":"t0008"`,
	} {
		best := time.Hour
		for range 3 {
			start := time.Now()
			page := nsqtest.Get(t, a.url+path)
			if size := len(page); size > maxPage && !strings.HasPrefix(path, "/api/") {
				t.Errorf("%s has %d bytes, at most %d", path, size, maxPage)
			}
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %s", path, want)
				break
			}
			best = min(best, time.Since(start))
		}
		if limit := time.Second; best > limit {
			t.Errorf("%s takes %s, at most %s", path, best, limit)
		}
	}
}
