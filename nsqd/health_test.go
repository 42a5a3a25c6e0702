package nsqd

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	dto "github.com/prometheus/client_model/go"

	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/nsqtest"
)

// scrape returns what /metrics shows in the format of protocol buffers, which
// Prometheus asks for when it wants native histograms.
func scrape(t *testing.T, d *daemon) map[string]*dto.MetricFamily {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, d.url("/metrics"), nil)
	if err != nil {
		t.Fatal(err)
	}
	format := expfmt.NewFormat(expfmt.TypeProtoDelim).WithEscapingScheme(model.NoEscaping)
	req.Header.Set("Accept", string(format))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	families := map[string]*dto.MetricFamily{}
	decoder := expfmt.NewDecoder(resp.Body, expfmt.ResponseFormat(resp.Header))
	for {
		var f dto.MetricFamily
		if err := decoder.Decode(&f); err != nil {
			return families
		}
		families[f.GetName()] = &f
	}
}

// TestMetrics publishes and finishes a message and finds it in the figures.
func TestMetrics(t *testing.T) {
	o := testOptions(t)
	o.MetricsLatency = true
	o.E2EProcessingLatencyPercentiles = []float64{1}
	o.SyncEvery = 1
	d := startNSQD(t, o)
	nsqtest.Do(t, "POST", d.url("/pub?topic=t"), "body")
	finishOne(t, d)
	var families map[string]*dto.MetricFamily
	nsqtest.Eventually(t, patience, "the message is finished", func() bool {
		families = scrape(t, d)
		return families["nsqd_channel_processing_latency_seconds"] != nil
	})
	for _, name := range []string{"nsqd_channel_processing_latency_seconds", "nsqd_channel_delivery_latency_seconds"} {
		h := families[name].Metric[0].GetHistogram()
		if h.GetSampleCount() != 1 || h.GetSampleSum() <= 0 || len(h.Bucket) == 0 || len(h.PositiveSpan)+int(h.GetZeroCount()) == 0 {
			t.Errorf("%s: %v", name, h)
		}
	}
	if h := families["nsqd_fsync_duration_seconds"].Metric[0].GetHistogram(); h.GetSampleCount() == 0 || len(h.Bucket) == 0 || len(h.PositiveSpan) == 0 {
		t.Errorf("syncs: %v", h)
	}
	text := nsqtest.Get(t, d.url("/metrics"))
	for _, line := range []string{
		`nsqd_topic_messages_total{topic="t"} 1`,
		`nsqd_channel_delivered_total{channel="c",topic="t"} 1`,
		`nsqd_channel_consumers{channel="c",topic="t"} 1`,
		`nsqd_channel_processing_latency_seconds_count{channel="c",topic="t"} 1`,
		`nsqd_connections 1`,
		`nsqd_healthy 1`,
		`nsqd_draining 0`,
		`nsqd_http_requests_total{code="200",method="POST",route="/pub"} 1`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("/metrics lacks %s:\n%s", line, text)
		}
	}
	if stats := nsqtest.Get(t, d.url("/stats")); !strings.Contains(stats, "e2e%") {
		t.Errorf("the percentiles are gone:\n%s", stats)
	}
}

// ready asks /readyz.
func (d *daemon) ready(t *testing.T) (status int, reason string, names []string) {
	t.Helper()
	body, status := nsqtest.Do(t, "GET", d.url("/readyz"), "")
	var answer struct {
		Reason string
		Checks []httpapi.Check
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	for _, c := range answer.Checks {
		names = append(names, c.Name)
	}
	return status, answer.Reason, names
}

func TestReadiness(t *testing.T) {
	o := testOptions(t)
	d := startNSQD(t, o)
	if status, reason, names := d.ready(t); status != 200 || reason != "" || strings.Join(names, " ") != "data_path draining" {
		t.Errorf("%d %s %v", status, reason, names)
	}
	// A folder in the place of the probe's file can neither be opened nor replaced, not even by root.
	if err := os.MkdirAll(filepath.Join(o.DataPath, probeFile, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if status, reason, _ := d.ready(t); status != 503 || !strings.HasPrefix(reason, "data_path: data path is not writable: ") {
		t.Errorf("%d %s", status, reason)
	}
	if body, status := nsqtest.Do(t, "GET", d.url("/healthz"), ""); status != 200 {
		t.Errorf("/healthz: %d %s", status, body)
	}

	o = testOptions(t)
	o.ReadyNeedsLookupd = true
	d = startNSQD(t, o)
	if status, reason, _ := d.ready(t); status != 503 || reason != "nsqlookupd: no nsqlookupd is connected" {
		t.Errorf("%d %s", status, reason)
	}
}

// TestLowDisk asks for more room than any disk has.
func TestLowDisk(t *testing.T) {
	o := testOptions(t)
	o.MinFreeDisk = 1 << 62
	d := startNSQD(t, o)
	want := "disk is low: "
	if body, status := nsqtest.Do(t, "GET", d.url("/ping"), ""); status != 500 || !strings.HasPrefix(body, "NOK - "+want) {
		t.Errorf("/ping: %d %s", status, body)
	}
	if status, reason, _ := d.ready(t); status != 503 || !strings.HasPrefix(reason, "data_path: "+want) {
		t.Errorf("/readyz: %d %s", status, reason)
	}
	if body, status := nsqtest.Do(t, "POST", d.url("/pub?topic=t"), "x"); status != 507 || !strings.HasPrefix(body, `{"message":"LOW_DISK","reason":"`+want) {
		t.Errorf("/pub: %d %s", status, body)
	}
	if text := nsqtest.Get(t, d.url("/metrics")); !strings.Contains(text, "\nnsqd_healthy 0\n") || !strings.Contains(text, "\nnsqd_topic_rejected_total{topic=\"t\"} 1\n") {
		t.Errorf("/metrics: %s", text)
	}
}
