package metrics

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/julienschmidt/httprouter"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
)

func TestRequestsAreCounted(t *testing.T) {
	var log strings.Builder
	r := httpapi.NewRouter(logging.New(&log, "", logging.Info))
	r.V1(http.MethodGet, "/base/topics/:name", func(_ http.ResponseWriter, _ *http.Request, p httprouter.Params) (any, error) {
		if p.ByName("name") == "bad" {
			return nil, httpapi.BadRequest("BAD")
		}
		return nil, nil
	})
	m := New("nsqx")
	m.Serve(r, "/base", logging.New(&log, "", logging.Info))
	server := httptest.NewServer(r)
	defer server.Close()
	for _, request := range []string{
		"GET /base/topics/a", "GET /base/topics/b", "GET /base/topics/bad", "POST /base/topics/a", "GET /none", "BREW /tea", "GET /base/metrics",
	} {
		method, path, _ := strings.Cut(request, " ")
		nsqtest.Do(t, method, server.URL+path, "")
	}
	got := nsqtest.Get(t, server.URL+"/base/metrics")
	for _, line := range []string{
		`nsqx_http_requests_total{code="200",method="GET",route="/topics/:name"} 2`,
		`nsqx_http_requests_total{code="400",method="GET",route="/topics/:name"} 1`,
		`nsqx_http_requests_total{code="405",method="POST",route="(other)"} 1`,
		`nsqx_http_requests_total{code="404",method="GET",route="(other)"} 1`,
		`nsqx_http_requests_total{code="404",method="(other)",route="(other)"} 1`,
		`nsqx_http_request_duration_seconds_count{route="/topics/:name"} 3`,
		"# TYPE go_goroutines gauge",
		"# TYPE process_resident_memory_bytes gauge",
		"nsqx_build_info{",
	} {
		if !strings.Contains(got, "\n"+line) {
			t.Errorf("/metrics lacks %s:\n%s", line, got)
		}
	}
	if strings.Contains(log.String(), "/metrics") {
		t.Errorf("scrapes are in the log:\n%s", &log)
	}
	problems, err := testutil.GatherAndLint(m)
	if err != nil || len(problems) > 0 {
		t.Errorf("names: %v, %v", problems, err)
	}
}
