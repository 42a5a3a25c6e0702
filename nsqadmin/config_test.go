package nsqadmin_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/nsqadmin"
)

func TestConfig(t *testing.T) {
	l := newLookupd(t)
	a := start(t, func(o *nsqadmin.Options) {
		o.LookupdHTTPAddresses = []string{l.address()}
		o.StatsdInterval = time.Minute
	})
	for _, c := range []struct {
		method, option, body string
		status               int
		answer               string
	}{
		{"GET", "statsd_prefix", "", 200, "nsq.%s"},
		{"GET", "dev_static_dir", "", 200, ""},
		{"GET", "statsd_interval", "", 200, "60000000000"},
		{"GET", "proxy_graphite", "", 200, "false"},
		{"GET", "admin_users", "", 200, "[]"},
		{"GET", "admin_user", "", 400, `{"message":"INVALID_OPTION"}`},
		{"GET", "nsqlookupd_http_addresses", "", 200, `["` + l.address() + `"]`},
		{"PUT", "nsqlookupd_http_addresses", `["a:1","b"]`, 200, `["a:1","b"]`},
		{"GET", "nsqlookupd_http_addresses", "", 200, `["a:1","b"]`},
		{"PUT", "nsqlookupd_http_addresses", `null`, 200, `[]`},
		{"PUT", "nsqlookupd_http_addresses", `{`, 400, `{"message":"INVALID_VALUE"}`},
		{"PUT", "nsqlookupd_http_addresses", ``, 413, `{"message":"INVALID_VALUE"}`},
		{"PUT", "log_level", strings.Repeat("x", 1<<20+1), 413, `{"message":"INVALID_VALUE"}`},
		{"GET", "log_level", "", 200, "2"},
		{"PUT", "log_level", "WARN", 200, "3"},
		{"PUT", "log_level", `"warn"`, 400, `{"message":"INVALID_VALUE"}`},
		{"PUT", "statsd_prefix", "x", 400, `{"message":"INVALID_OPTION"}`},
		{"POST", "log_level", "x", 405, `{"message":"METHOD_NOT_ALLOWED"}`},
	} {
		a.want(t, c.method, "/config/"+c.option, c.body, c.status, c.answer)
	}
	for cidr, want := range map[string]int{"": 200, "127.0.0.1/8": 200, "10.0.0.0/8": 403} {
		b := start(t, func(o *nsqadmin.Options) {
			o.LookupdHTTPAddresses, o.AllowConfigFromCIDR = []string{l.address()}, cidr
		})
		if body, status := nsqtest.Do(t, "GET", b.url+"/config/log_level", ""); status != want {
			t.Errorf("from CIDR %q: %d %s", cidr, status, body)
		}
	}
}

// TestCheck looks at what the options must not say, in the order of the spec.
func TestCheck(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "not.pem")
	if err := os.WriteFile(notPEM, []byte("no"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		set  func(o *nsqadmin.Options)
		want string
	}{
		{func(o *nsqadmin.Options) { o.LookupdHTTPAddresses = nil }, "--nsqd-http-address or --lookupd-http-address required"},
		{func(o *nsqadmin.Options) { o.NsqdHTTPAddresses = []string{"a:1"} }, "use --nsqd-http-address or --lookupd-http-address not both"},
		{func(o *nsqadmin.Options) { o.TLSCert = "c" }, "--http-client-tls-key must be specified with --http-client-tls-cert"},
		{func(o *nsqadmin.Options) { o.TLSKey = "k" }, "--http-client-tls-cert must be specified with --http-client-tls-key"},
		{func(o *nsqadmin.Options) { o.TLSCert, o.TLSKey = "c", "k" }, "failed to LoadX509KeyPair c, k - "},
		{func(o *nsqadmin.Options) { o.RootCAFile = "no.pem" }, "failed to read TLS root CA file no.pem - "},
		{func(o *nsqadmin.Options) { o.RootCAFile = notPEM }, "failed to AppendCertsFromPEM " + notPEM},
		{func(o *nsqadmin.Options) { o.LookupdHTTPAddresses = []string{"nocolon"} }, "failed to resolve --lookupd-http-address (nocolon) - "},
		{func(o *nsqadmin.Options) { o.LookupdHTTPAddresses = []string{"https://127.0.0.1:1", "ftp://a:1"} }, "failed to resolve --lookupd-http-address (ftp://a:1) - an address is host:port or https://host:port"},
		{func(o *nsqadmin.Options) { o.ProxyGraphite, o.GraphiteURL = true, "http://a b" }, "failed to parse --graphite-url (http://a b) - "},
		{func(o *nsqadmin.Options) { o.AllowConfigFromCIDR = "x" }, "failed to parse --allow-config-from-cidr (x) - "},
		{func(o *nsqadmin.Options) { o.HTTPAddress = "256.0.0.1:1" }, "listen (256.0.0.1:1) failed - "},
	} {
		o := nsqadmin.NewOptions()
		o.LookupdHTTPAddresses = []string{"127.0.0.1:1"}
		c.set(o)
		_, err := nsqadmin.New(o, logging.Discard())
		if err == nil || !strings.HasPrefix(err.Error(), "failed to instantiate nsqadmin - "+c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func TestGraphite(t *testing.T) {
	var asked []*http.Request
	answer := `[{"target":"x","datapoints":[[120,1]]}]`
	graphite := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r)
		io.WriteString(w, answer) //nolint:errcheck // the client is gone
	}))
	t.Cleanup(graphite.Close)
	set := func(proxy bool) func(o *nsqadmin.Options) {
		return func(o *nsqadmin.Options) {
			o.LookupdHTTPAddresses = []string{"127.0.0.1:1"}
			o.BasePath, o.ProxyGraphite = "/base", proxy
			o.GraphiteURL = strings.Replace(graphite.URL, "http://", "http://me:secret@", 1) + "/deep"
		}
	}
	a := start(t, set(true))
	a.want(t, "GET", "/base/render?target=x", "", 200, answer)
	r := asked[0]
	user, password, _ := r.BasicAuth()
	if r.URL.Path != "/deep/render" || r.URL.RawQuery != "target=x" || user != "me" || password != "secret" || r.Header.Get("X-Forwarded-For") != "127.0.0.1" || "http://"+r.Host != a.url {
		t.Errorf("graphite was asked %s %v, host %s", r.URL, r.Header, r.Host)
	}
	a.want(t, "GET", "/base/api/graphite?metric=rate&target=x", "", 200, `{"rate":"2.00"}`)
	if q := asked[1].URL.RawQuery; q != "format=json&from=-120sec&target=x&until=-60sec" {
		t.Errorf("graphite was asked %s", q)
	}
	if strings.Contains(a.log.String(), "secret") || !strings.Contains(a.log.String(), "GRAPHITE: ") {
		t.Error("the log has the password, or no line")
	}
	a.want(t, "GET", "/base/api/graphite?target=x", "", 400, `{"message":"INVALID_ARG_METRIC"}`)
	a.want(t, "GET", "/base/api/graphite?metric=rate", "", 400, `{"message":"INVALID_ARG_TARGET"}`)
	answer = `[{"datapoints":[[-1,1]]}]`
	a.want(t, "GET", "/base/api/graphite?metric=rate&target=x", "", 200, `{"rate":"N/A"}`)
	answer = `[]`
	a.want(t, "GET", "/base/api/graphite?metric=rate&target=x", "", 500, `{"message":"INTERNAL_ERROR"}`)
	start(t, set(false)).want(t, "GET", "/base/render", "", 404, `{"message":"NOT_FOUND"}`)
	graphite.Close()
	a.want(t, "GET", "/base/render", "", 502, "")
}

// TestReal asks real daemons.
func TestReal(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	lookupd := nsqtest.Start(t, "nsqlookupd", "--broadcast-address=127.0.0.1")
	nsqd := nsqtest.Start(t, "nsqd", "--broadcast-address=127.0.0.1", "--lookupd-tcp-address="+lookupd.TCP, "--data-path="+t.TempDir())
	admin := nsqtest.Start(t, "nsqadmin", "--lookupd-http-address="+lookupd.HTTP)
	nsqtest.Do(t, "POST", "http://"+nsqd.HTTP+"/pub?topic=orders", "hello")
	nsqtest.Eventually(t, patience, "the topic is known", func() bool {
		return strings.Contains(nsqtest.Get(t, "http://"+admin.HTTP+"/api/topics"), "orders")
	})
	a := &caller{t, "http://" + admin.HTTP}
	a.do("POST", "/api/topics", `{"topic":"orders","channel":"billing"}`)
	if c := a.do("GET", "/api/topics/orders/billing", ""); !strings.Contains(c, `"depth":1,`) {
		t.Errorf("the channel is %s", c)
	}
	a.do("POST", "/api/topics/orders/billing", `{"action":"pause"}`)
	if c := a.do("GET", "/api/topics/orders/billing", ""); !strings.Contains(c, `"paused":true,`) {
		t.Errorf("the paused channel is %s", c)
	}
	a.do("POST", "/api/topics/orders/billing", `{"action":"empty"}`)
	if c := a.do("GET", "/api/topics/orders/billing", ""); !strings.Contains(c, `"depth":0,`) {
		t.Errorf("the emptied channel is %s", c)
	}
	a.do("DELETE", "/api/nodes/"+nsqd.HTTP, `{"topic":"orders"}`)
	if c := a.do("GET", "/api/topics?inactive=true", ""); !strings.Contains(c, `{"orders":["billing"]}`) {
		t.Errorf("the inactive topics are %s", c)
	}
	a.do("DELETE", "/api/topics/orders", "")
	if c := a.do("GET", "/api/topics", ""); c != `{"topics":null,"message":""}` {
		t.Errorf("the topics are %s", c)
	}
	admin.Stop()
}

type caller struct {
	t   *testing.T
	url string
}

func (a *caller) do(method, path, body string) string {
	a.t.Helper()
	answer, status := nsqtest.Do(a.t, method, a.url+path, body)
	if status != http.StatusOK || !strings.Contains(answer, `"message":""`) {
		a.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	return answer
}

func TestMain(m *testing.M) { nsqtest.Main(m) }
