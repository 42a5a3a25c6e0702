package ui

import (
	"math"
	"strings"
	"testing"
	"time"

	"nsqsuite/nsqadmin/collector"
)

func history(values ...float32) collector.History {
	h := collector.History{Step: collector.Every, End: time.Date(2026, 11, 22, 10, 42, 7, 0, time.UTC)}
	for _, v := range values {
		h.Points = append(h.Points, collector.Point{Depth: v, In: 2 * v})
	}
	return h
}

func TestChart(t *testing.T) {
	nan := float32(math.NaN())
	h := history(0, 60, nan, 120)
	c := newChart("Depth", "", spans[0], h).add("Waiting", 1, h, depthOf).drawn()
	if c.Top != "200" || c.Half != "100" || c.Label != "Depth: Waiting now 120" || c.Times[0] != "10:37" || c.Times[5] != "10:42 UTC" {
		t.Errorf("the chart is %+v", c)
	}
	// What is not known is a gap: the pen is lifted.
	if d := string(c.Lines[0].Path); d != `d="M588.0 120.0L592.0 84.0M600.0 48.0"` {
		t.Errorf("the line is %s", d)
	}
	if len(c.Rows) != 4 || c.Rows[2][1] != "–" || c.Rows[3][0] != "10:42:07" || c.Rows[3][1] != "120" {
		t.Errorf("the table is %v", c.Rows)
	}
	if !strings.Contains(c.Data, `"values":[0,60,null,120]`) {
		t.Errorf("the data are %s", c.Data)
	}

	stacked := newChart("Depth", "", spans[0], h)
	stacked.Stacked = true
	stacked.add("a", 1, history(10, 10), depthOf).add("b", 5, history(5, 5), depthOf).drawn()
	if d := string(stacked.Lines[0].Path); d != `d="M596.0 30.0L600.0 30.0L600.0 90.0L596.0 90.0Z"` {
		t.Errorf("the upper area is %s", d)
	}
	if empty := newChart("Depth", "", spans[0], history()).add("a", 1, history(), depthOf).drawn(); empty.Lines[0].Now != "–" || empty.Top != "1" {
		t.Errorf("an empty chart is %+v", empty)
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{number(1234567), "1,234,567"}, {number(-1000), "-1,000"}, {number(999), "999"},
		{perSecond(0), "0"}, {perSecond(0.251), "0.25"}, {perSecond(33.64), "33.6"}, {perSecond(8402.4), "8,402"}, {perSecond(99.99), "100"},
		{duration(int64(10*time.Minute + 3*time.Second)), "10 min 03 s"}, {duration(int64(52 * time.Hour)), "2 d 4 h"}, {duration(-1), "0 s"},
		{latency(26e6), "26 ms"}, {latency(4.1e9), "4.1 s"}, {latency(151e9), "2 min 31 s"}, {latency(12.5e3), "12.5 µs"}, {latency(900), "900 ns"},
		{size(1700), "1.7 kB"}, {size(uint64(2e9)), "2 GB"}, {percentile(0.999), "p99.9"}, {percentile(0.5), "p50"},
		{axis(20000, "/s"), "20k/s"}, {axis(1500, ""), "1,500"}, {axis(0, "/s"), "0"}, {axis(2e9, "ns"), "2 s"},
		{plural(1, "message"), "1 message"}, {plural(2, "delivery"), "2 deliveries"}, {plural(int64(1200), "topic"), "1,200 topics"},
		{string(rate(1.5, true)), `1.5<span class="u">/s</span>`}, {string(rate(0, false)), `<span class="z">–</span>`},
		{trend([]float32{1, 1, 1, 50, 99, 99}), "rising"}, {trend([]float32{99, 99, 50, 1, 1, 1}), "falling"}, {trend([]float32{5, 5, 5}), "steady"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestJSONTree(t *testing.T) {
	for body, ok := range map[string]bool{`{"a":[1,"<"]}`: true, `1`: true, `{"a":1} {"b":2}`: false, `{"a":`: false, ``: false, strings.Repeat("[", 100) + strings.Repeat("]", 100): false} {
		tree, got := drawJSON([]byte(body))
		if got != ok || strings.Contains(string(tree), `"<"`) {
			t.Errorf("%.40s: %v, %s", body, got, tree)
		}
	}
}

func TestGraphite(t *testing.T) {
	g := &Graphite{URL: "http://g/x", Prefix: "nsq.%s.", CounterFormat: "", GaugeFormat: "stats.gauges.%s", Interval: time.Minute}
	if got := g.target("10.0.0.1:4151", "mem.heap_objects", false); got != "stats.gauges.nsq.10_0_0_1_4151.mem.heap_objects" {
		t.Errorf("the target is %s", got)
	}
	if got := g.target("*", "topic.t.message_count", true); got != "nsq.*.topic.t.message_count" {
		t.Errorf("without a format the target is %s", got)
	}
	graphs := g.channel("a b/c", "x#ephemeral")
	if len(graphs) != 7 || !strings.HasPrefix(graphs[0].URL, "http://g/x/render?") || !strings.Contains(graphs[0].URL, "sumSeries%28stats.gauges.nsq.%2A.topic.a_b-c.channel.xephemeral.depth%29") {
		t.Errorf("the graphs are %v", graphs)
	}
	if g.Origin() != "http://g" || (&Graphite{Proxy: "/render"}).Origin() != "" {
		t.Error("the origin is wrong")
	}
}
