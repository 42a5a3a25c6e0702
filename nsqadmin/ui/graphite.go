package ui

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Graphite makes the links to the graphs that a Graphite server draws of what
// nsqd sends to statsd (nsqadmin.md 11.1). A nil one makes none.
type Graphite struct {
	URL           string // of the server; "" if nsqadmin passes requests on
	Proxy         string // our own address of it, then
	Prefix        string // of nsqd's metrics, %s is the host
	CounterFormat string
	GaugeFormat   string
	Interval      time.Duration
}

// graph is an image that Graphite draws.
type graph struct{ Title, URL string }

// graphSpan is how far back the graphs look: longer than our own charts.
const graphSpan = "24h"

// Origin returns where the browser must be allowed to get images from; "" if it is ourselves.
func (g *Graphite) Origin() string {
	u, err := url.Parse(g.URL)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

var undesired = regexp.MustCompile(`[^A-Za-z0-9\-_.]`)

// metricName writes a topic's or channel's name as statsd does.
func metricName(name string) string {
	return undesired.ReplaceAllString(strings.NewReplacer(" ", "_", "/", "-").Replace(name), "")
}

// target returns the full name of a metric of a node, * for all.
func (g *Graphite) target(node, key string, counter bool) string {
	host := strings.NewReplacer(".", "_", ":", "_").Replace(node)
	prefix := strings.ReplaceAll(g.Prefix, "%s", host)
	if prefix != "" && !strings.HasSuffix(prefix, ".") {
		prefix += "."
	}
	format := g.GaugeFormat
	if counter {
		format = g.CounterFormat
	}
	if format == "" {
		return prefix + key
	}
	return strings.ReplaceAll(format, "%s", prefix+key)
}

// draw returns the URL of a large graph.
func (g *Graphite) draw(target, colours string, counter bool) string {
	seconds := strconv.Itoa(int(g.Interval.Seconds()))
	if counter {
		target = fmt.Sprintf("scale(%s,%s)", target, strconv.FormatFloat(1/g.Interval.Seconds(), 'f', -1, 64))
	}
	q := url.Values{
		"target": {fmt.Sprintf(`summarize(%s,"%ssec","avg")`, target, seconds)},
		"width":  {"800"}, "height": {"450"}, "bgcolor": {"ff000000"}, "fgcolor": {"999999"}, "yMin": {"0"},
		"lineMode": {"connected"}, "drawNullAsZero": {"false"}, "from": {"-" + graphSpan}, "until": {"-1min"}, "colorList": {colours},
	}
	at := g.Proxy
	if g.URL != "" {
		at = strings.TrimSuffix(g.URL, "/") + "/render"
	}
	return at + "?" + q.Encode()
}

// metric is what a graph shows.
type metric struct {
	title, key, colour string
	counter            bool
}

func (g *Graphite) sums(of string, metrics []metric) (graphs []graph) {
	for _, m := range metrics {
		graphs = append(graphs, graph{m.title, g.draw("sumSeries("+g.target("*", of+m.key, m.counter)+")", m.colour, m.counter)})
	}
	return graphs
}

func (g *Graphite) topic(name string) []graph {
	if g == nil {
		return nil
	}
	return g.sums("topic."+metricName(name)+".", []metric{{"Depth", "depth", "red", false}, {"Published", "message_count", "blue", true}})
}

func (g *Graphite) channel(topic, name string) []graph {
	if g == nil {
		return nil
	}
	return g.sums("topic."+metricName(topic)+".channel."+metricName(name)+".", []metric{
		{"Depth", "depth", "red", false}, {"In flight", "in_flight_count", "blue", false}, {"Deferred", "deferred_count", "red", false},
		{"Requeued", "requeue_count", "blue", true}, {"Timed out", "timeout_count", "blue", true},
		{"Messages", "message_count", "blue", true}, {"Consumers", "clients", "blue", false},
	})
}

func (g *Graphite) node(address string) []graph {
	if g == nil {
		return nil
	}
	const colours = "red,green,blue,purple"
	runs := "movingAverage(" + g.target(address, "mem.gc_runs", true) + ",45)"
	return []graph{
		{"GC pressure", g.draw(g.target(address, "mem.*_bytes", false), colours, false)},
		{"GC pause percentiles", g.draw(g.target(address, "mem.gc_pause_*", false), colours, false)},
		{"GC runs", g.draw(runs, colours, true)},
		{"Heap objects in use", g.draw(g.target(address, "mem.heap_objects", false), colours, false)},
	}
}

func (g *Graphite) counter() []graph {
	if g == nil {
		return nil
	}
	return g.sums("topic.*.channel.*.", []metric{{"Messages", "message_count", "green", true}})
}
