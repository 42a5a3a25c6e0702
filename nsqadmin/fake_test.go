package nsqadmin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/nsqadmin"
)

// fake is a daemon that answers from a table and notes what it is asked.
type fake struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]string // body by path, or by path and query
	asked   []string          // method, path and query
	frozen  chan struct{}     // if not nil, answers wait for it
}

// newFake returns a fake with these answers. One that begins with a number has that status.
func newFake(t *testing.T, answers map[string]string) *fake {
	f := &fake{answers: answers}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.asked = append(f.asked, r.Method+" "+r.URL.RequestURI())
	body, ok := f.answers[r.URL.RequestURI()]
	if !ok {
		body, ok = f.answers[r.URL.Path]
	}
	frozen := f.frozen
	f.mu.Unlock()
	if frozen != nil {
		select {
		case <-frozen:
		case <-r.Context().Done():
		}
	}
	if !ok && r.Method == http.MethodGet {
		body = `404 {"message":"NOT_FOUND"}`
	}
	if status, rest, found := strings.Cut(body, " "); found {
		if code, err := strconv.Atoi(status); err == nil {
			w.WriteHeader(code)
			body = rest
		}
	}
	io.WriteString(w, body) //nolint:errcheck // the client is gone
}

// answer changes what the fake answers to a path.
func (f *fake) answer(path, body string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[path] = body
}

// forget makes the fake answer these only.
func (f *fake) forget(answers map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers = answers
}

// freeze makes the fake silent until the test ends.
func (f *fake) freeze(t *testing.T) {
	f.mu.Lock()
	f.frozen = make(chan struct{})
	f.mu.Unlock()
	t.Cleanup(func() { close(f.frozen) })
}

func (f *fake) address() string { return f.Listener.Addr().String() }

// posts returns the commands it got, in order.
func (f *fake) posts() (posts []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.asked {
		if what, ok := strings.CutPrefix(a, "POST "); ok {
			posts = append(posts, what)
		}
	}
	return posts
}

// producer is the JSON of a fake as nsqlookupd knows it.
func (f *fake) producer(host, version string, more string) string {
	_, port, _ := net.SplitHostPort(f.address())
	return fmt.Sprintf(`{"remote_address":"1.2.3.4:5","hostname":%[1]q,"broadcast_address":"127.0.0.1","tcp_port":1%[2]s,"http_port":%[2]s,"version":%[3]q%[4]s}`,
		host, port, version, more)
}

// newNsqd returns a fake nsqd that holds topic t with channels c1 and c2.
func newNsqd(t *testing.T, host string, depth int) *fake {
	f := newFake(t, nil)
	_, port, _ := net.SplitHostPort(f.address())
	channel := func(name, more string) string {
		return fmt.Sprintf(`{"channel_name":%q,"depth":%d,"backend_depth":1,"in_flight_count":2,"deferred_count":3,"requeue_count":4,"timeout_count":5,"message_count":%d,"client_count":1,"paused":false%s}`, name, depth, depth+100, more)
	}
	client := `,"clients":[{"client_id":"id","hostname":"host","remote_address":"9.9.9.9:1","ready_count":7,"in_flight_count":2,"connect_ts":1}],
		"e2e_processing_latency":{"count":` + strconv.Itoa(depth) + `,"percentiles":[{"quantile":0.99,"value":` + strconv.Itoa(depth*1000) + `}]}`
	topic := fmt.Sprintf(`{"topic_name":"t","depth":%d,"backend_depth":4,"message_count":%d,"paused":false,"channels":[%s,%s]}`,
		depth, depth+1000, channel("c1", client), channel("c2", ""))
	f.answers = map[string]string{
		"/stats":                                `{"version":"1.3.0","health":"OK","topics":[` + topic + `]}`,
		"/stats?format=json&topic=none":         `{"topics":[]}`,
		"/stats?format=json&channel=no&topic=t": `{"topics":[{"topic_name":"t","channels":[]}]}`,
		"/info":                                 fmt.Sprintf(`{"version":"1.3.0","hostname":%q,"broadcast_address":"127.0.0.1","tcp_port":4150,"http_port":%s}`, host, port),
	}
	f.answers["/stats?format=json&include_clients=false&topic=none"] = `{"topics":[]}`
	return f
}

// newLookupd returns a fake nsqlookupd that knows t on these nodes, and idle nowhere.
func newLookupd(t *testing.T, nsqds ...*fake) *fake {
	var producers, nodes []string
	for i, n := range nsqds {
		host := string(rune('a' + i))
		version := "1." + strconv.Itoa(3+i) + ".0"
		producers = append(producers, n.producer(host, version, ""))
		nodes = append(nodes, n.producer(host, version, `,"topics":["t"],"tombstones":[]`))
	}
	return newFake(t, map[string]string{
		"/topics":            `{"topics":["t","idle"]}`,
		"/nodes":             `{"producers":[` + strings.Join(nodes, ",") + `]}`,
		"/lookup?topic=t":    `{"channels":["c1","c2"],"producers":[` + strings.Join(producers, ",") + `]}`,
		"/lookup?topic=idle": `{"channels":["x"],"producers":[]}`,
		"/lookup":            `404 {"message":"TOPIC_NOT_FOUND"}`,
		"/channels":          `{"channels":["x"]}`,
	})
}

// admin is a running nsqadmin.
type admin struct {
	url string // of the base path
	log *nsqtest.Output
}

// start runs an nsqadmin with options that set may change.
func start(t *testing.T, set func(o *nsqadmin.Options)) *admin {
	t.Helper()
	o := nsqadmin.NewOptions()
	o.HTTPAddress = "127.0.0.1:0"
	o.ConnectTimeout, o.RequestTimeout = time.Second, 500*time.Millisecond
	set(o)
	a := &admin{log: new(nsqtest.Output)}
	daemon, err := nsqadmin.New(o, logging.New(a.log, "", logging.Info))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- daemon.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	a.url = "http://" + daemon.HTTPAddr().String()
	return a
}

// over starts an nsqadmin over these nsqlookupd.
func over(t *testing.T, lookupds ...*fake) *admin {
	t.Helper()
	return start(t, func(o *nsqadmin.Options) {
		for _, l := range lookupds {
			o.LookupdHTTPAddresses = append(o.LookupdHTTPAddresses, l.address())
		}
	})
}

// want asks and compares status and body.
func (a *admin) want(t *testing.T, method, path, body string, status int, answer string) {
	t.Helper()
	got, code := nsqtest.Do(t, method, a.url+path, body)
	if code != status || got != answer {
		t.Errorf("%s %s %s: %d %s\nwant %d %s", method, path, body, code, got, status, answer)
	}
}

// get returns the decoded answer of a path.
func (a *admin) get(t *testing.T, path string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(nsqtest.Get(t, a.url+path)), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// wantPosts compares the commands that a fake got.
func wantPosts(t *testing.T, who string, f *fake, want ...string) {
	t.Helper()
	if got := f.posts(); !slices.Equal(got, want) {
		t.Errorf("%s was told %q, want %q", who, got, want)
	}
}
