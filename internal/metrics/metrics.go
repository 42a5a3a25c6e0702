package metrics

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/julienschmidt/httprouter"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/version"
)

const (
	// maxScrapes is how many scrapes are answered at the same time.
	maxScrapes = 4
	// growth is how much wider each bucket of a native histogram is than the one before.
	growth = 1.1
	// maxBuckets bounds the buckets of a native histogram.
	maxBuckets = 160
)

// Seconds are the bounds of classic histograms of durations.
var Seconds = []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5, 10}

// Registry is the figures of one daemon.
type Registry struct {
	*prometheus.Registry
	program  string
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec

	mu    sync.RWMutex
	kinds map[kind]figures
}

// kind is a kind of requests, and figures what they are counted in: to find these by
// their labels costs more than to count.
type kind struct {
	method, route string
	status        int
}

type figures struct {
	requests prometheus.Counter
	seconds  prometheus.Observer
}

// New returns the registry of a program, nsqd for example, whose name begins all
// names but those of the Go runtime and the process.
func New(program string) *Registry {
	m := &Registry{
		Registry: prometheus.NewRegistry(),
		program:  program,
		kinds:    map[kind]figures{},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: program + "_http_requests_total",
			Help: "Requests to the HTTP API, by method, route and status.",
		}, []string{"method", "route", "code"}),
		seconds: prometheus.NewHistogramVec(Duration(program+"_http_request_duration_seconds",
			"How long requests to the HTTP API took, by route."), []string{"route"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        program + "_build_info",
		Help:        "1; the labels tell which build this is.",
		ConstLabels: prometheus.Labels{"version": version.Number, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		build, m.requests, m.seconds)
	return m
}

// Duration returns the options of a histogram of durations, native and classic.
func Duration(name, help string) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: Seconds,
		NativeHistogramBucketFactor: growth, NativeHistogramMaxBucketNumber: maxBuckets,
	}
}

// methods are the ones that get a value of their own.
var methods = map[string]bool{
	http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true,
	http.MethodDelete: true, http.MethodOptions: true,
}

// Other is the value of labels that stands for all without one of their own. No
// topic or channel can have this name.
const Other = "(other)"

// Serve adds /metrics below base, without access log, and counts the router's requests.
func (m *Registry) Serve(r *httpapi.Router, base string, log *logging.Logger) {
	show := promhttp.HandlerFor(m, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes, ErrorLog: printer{log}})
	r.Handle(http.MethodGet, base+"/metrics", func(w http.ResponseWriter, req *http.Request, _ httprouter.Params) {
		show.ServeHTTP(w, req)
	})
	r.Observe = func(method, route string, status int, took time.Duration) {
		if !methods[method] {
			method = Other
		}
		if route = strings.TrimPrefix(route, base); route == "" {
			route = Other
		}
		f := m.figures(kind{method, route, status})
		f.requests.Inc()
		f.seconds.Observe(took.Seconds())
	}
}

// figures returns what requests of a kind are counted in.
func (m *Registry) figures(k kind) figures {
	m.mu.RLock()
	f, ok := m.kinds[k]
	m.mu.RUnlock()
	if !ok {
		f = figures{m.requests.WithLabelValues(k.method, k.route, strconv.Itoa(k.status)), m.seconds.WithLabelValues(k.route)}
		m.mu.Lock()
		m.kinds[k] = f
		m.mu.Unlock()
	}
	return f
}

// printer writes what goes wrong at a scrape to the log.
type printer struct{ log *logging.Logger }

// Println is promhttp.Logger.
func (p printer) Println(v ...any) {
	for _, v := range v {
		p.log.Warnf("/metrics: %v", v)
	}
}
