package nsqadmin_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/nsqadmin"
)

const patience = 10 * time.Second

// fetch sends a request with headers and returns those of the answer; the status is under :status.
func fetch(t *testing.T, method, url string, headers map[string]string) http.Header {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(`{"action":"pause"}`))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body) //nolint:errcheck // only the header is of interest
	resp.Header.Set(":status", resp.Status[:3])
	return resp.Header
}

func TestCreate(t *testing.T) {
	n := newNsqd(t, "a", 5)
	l := newLookupd(t, n)
	a := over(t, l)
	a.want(t, "POST", "/api/topics", "", 400, `{"message":"EOF"}`)
	a.want(t, "POST", "/api/topics", `{"topic":"a b"}`, 400, `{"message":"INVALID_TOPIC"}`)
	a.want(t, "POST", "/api/topics", `{"topic":"t","channel":"*"}`, 400, `{"message":"INVALID_CHANNEL"}`)
	wantPosts(t, "nsqlookupd", l)
	a.want(t, "POST", "/api/topics", `{"topic":"t"}`, 200, `{"message":""}`)
	wantPosts(t, "nsqlookupd", l, "/topic/create?topic=t")
	wantPosts(t, "nsqd", n)
	a.want(t, "POST", "/api/topics", `{"topic":"t","channel":"c"}`, 200, `{"message":""}`)
	wantPosts(t, "nsqlookupd", l, "/topic/create?topic=t", "/topic/create?topic=t", "/channel/create?channel=c&topic=t")
	wantPosts(t, "nsqd", n, "/channel/create?channel=c&topic=t")

	direct := start(t, func(o *nsqadmin.Options) { o.NsqdHTTPAddresses = []string{n.address()} })
	direct.want(t, "POST", "/api/topics", `{"topic":"new"}`, 200, `{"message":""}`)
	wantPosts(t, "nsqd", n, "/channel/create?channel=c&topic=t", "/topic/create?topic=new")

	l.Server.Close()
	if body, status := nsqtest.Do(t, "POST", a.url+"/api/topics", `{"topic":"t"}`); status != 200 || !strings.HasPrefix(body, `{"message":"WARNING: `) {
		t.Errorf("without a nsqlookupd: %d %s", status, body)
	}
	if body, status := nsqtest.Do(t, "POST", a.url+"/api/topics", `{"topic":"t","channel":"c"}`); status != 502 || !strings.HasPrefix(body, `{"message":"UPSTREAM_ERROR: failed to query any nsqlookupd: `) {
		t.Errorf("without a nsqlookupd: %d %s", status, body)
	}
}

func TestActions(t *testing.T) {
	n, m := newNsqd(t, "a", 5), newNsqd(t, "b", 7)
	l := newLookupd(t, n, m)
	a := over(t, l)
	for _, action := range []string{"pause", "unpause", "empty"} {
		a.want(t, "POST", "/api/topics/t", `{"action":"`+action+`"}`, 200, `{"message":""}`)
		a.want(t, "POST", "/api/topics/t/c%23ephemeral", `{"action":"`+action+`"}`, 200, `{"message":""}`)
	}
	for _, f := range []*fake{n, m} {
		wantPosts(t, "nsqd", f, "/topic/pause?topic=t", "/channel/pause?channel=c%23ephemeral&topic=t", "/topic/unpause?topic=t",
			"/channel/unpause?channel=c%23ephemeral&topic=t", "/topic/empty?topic=t", "/channel/empty?channel=c%23ephemeral&topic=t")
	}
	wantPosts(t, "nsqlookupd", l)
	a.want(t, "POST", "/api/topics/t", `{"action":"delete"}`, 400, `{"message":"INVALID_ACTION"}`)
	a.want(t, "POST", "/api/topics/t", `x`, 400, `{"message":"invalid character 'x' looking for beginning of value"}`)

	m.answer("/topic/pause", `500 {"message":"INTERNAL_ERROR"}`)
	a.want(t, "POST", "/api/topics/t", `{"action":"pause"}`, 200, `{"message":"WARNING: got response 500 Internal Server Error \"{\\\"message\\\":\\\"INTERNAL_ERROR\\\"}\""}`)
	if body, status := nsqtest.Do(t, "POST", a.url+"/api/topics/none", `{"action":"pause"}`); status != 502 || !strings.Contains(a.log.String(), "failed to pause topic/channel - failed to query") {
		t.Errorf("pausing an unknown topic: %d %s", status, body)
	}
	direct := start(t, func(o *nsqadmin.Options) { o.NsqdHTTPAddresses = []string{n.address()} })
	direct.want(t, "POST", "/api/topics/none", `{"action":"pause"}`, 200, `{"message":""}`)
}

func TestDelete(t *testing.T) {
	n := newNsqd(t, "a", 5)
	l := newLookupd(t, n)
	a := over(t, l)
	a.want(t, "DELETE", "/api/topics/*", "", 400, `{"message":"INVALID_TOPIC"}`)
	wantPosts(t, "nsqlookupd", l)
	a.want(t, "DELETE", "/api/topics/t/c1", "", 200, `{"message":""}`)
	a.want(t, "DELETE", "/api/topics/t", "", 200, `{"message":""}`)
	wantPosts(t, "nsqlookupd", l, "/channel/delete?channel=c1&topic=t", "/topic/delete?topic=t")
	wantPosts(t, "nsqd", n, "/channel/delete?channel=c1&topic=t", "/topic/delete?topic=t")
	a.want(t, "DELETE", "/api/nodes/"+n.address(), "", 400, `{"message":"INVALID_BODY"}`)
	a.want(t, "DELETE", "/api/nodes/"+n.address(), `{"topic":"*"}`, 400, `{"message":"INVALID_TOPIC"}`)
	a.want(t, "DELETE", "/api/nodes/"+n.address(), `{"topic":"t"}`, 200, `{"message":""}`)
	if got := l.posts(); got[len(got)-1] != "/topic/tombstone?node="+strings.ReplaceAll(n.address(), ":", "%3A")+"&topic=t" {
		t.Errorf("nsqlookupd was told %q", got)
	}
	if got := n.posts(); got[len(got)-1] != "/topic/delete?topic=t" || len(got) != 3 {
		t.Errorf("nsqd was told %q", got)
	}
	n.Server.Close()
	if body, status := nsqtest.Do(t, "DELETE", a.url+"/api/nodes/"+n.address(), `{"topic":"t"}`); status != 502 || !strings.Contains(body, "failed to query any nsqd: ") {
		t.Errorf("tombstoning a dead node: %d %s", status, body)
	}
}

func TestAccess(t *testing.T) {
	l := newLookupd(t, newNsqd(t, "a", 5))
	a := start(t, func(o *nsqadmin.Options) {
		o.LookupdHTTPAddresses = []string{l.address()}
		o.ACLHTTPHeader, o.AdminUsers = "X-User", []string{"bob", "eve"}
	})
	for _, c := range []struct{ method, path string }{
		{"POST", "/api/topics"}, {"POST", "/api/topics/t"}, {"POST", "/api/topics/t/c"},
		{"DELETE", "/api/topics/t"}, {"DELETE", "/api/topics/t/c"}, {"DELETE", "/api/nodes/x:1"},
	} {
		a.want(t, c.method, c.path, "x", 403, `{"message":"FORBIDDEN"}`)
	}
	for user, want := range map[string]string{"bob": "200", "eve": "200", "Bob": "403", "": "403"} {
		if got := fetch(t, "POST", a.url+"/api/topics/t", map[string]string{"X-User": user}).Get(":status"); got != want {
			t.Errorf("user %q gets %s", user, got)
		}
	}
	cross := map[string]string{"X-User": "bob", "Origin": "http://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
	if got := fetch(t, "POST", a.url+"/api/topics/t", cross).Get(":status"); got != "403" {
		t.Errorf("another site's page gets %s", got)
	}
}

func TestNotifications(t *testing.T) {
	got := make(chan map[string]any, 10)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var v map[string]any
		if err := json.NewDecoder(r.Body).Decode(&v); err != nil || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("notification: %v, %v", err, r.Header)
		}
		w.WriteHeader(http.StatusTeapot)
		got <- v
	}))
	t.Cleanup(endpoint.Close)
	n := newNsqd(t, "a", 5)
	a := start(t, func(o *nsqadmin.Options) {
		o.LookupdHTTPAddresses = []string{newLookupd(t, n).address()}
		o.NotificationHTTPEndpoint = endpoint.URL
	})
	for _, c := range []struct{ method, path, body, actions string }{
		{"POST", "/api/topics", `{"topic":"t"}`, "create_topic"},
		{"POST", "/api/topics", `{"topic":"t","channel":"c"}`, "create_topic create_channel"},
		{"POST", "/api/topics/none", `{"action":"empty"}`, "empty_topic"}, // though it fails
		{"POST", "/api/topics/t/c1", `{"action":"x"}`, ""},
		{"POST", "/api/topics/t/c1", `{"action":"unpause"}`, "unpause_channel"},
		{"DELETE", "/api/topics/none", "", ""},
		{"DELETE", "/api/topics/t/c1", "", "delete_channel"},
		{"DELETE", "/api/nodes/" + n.address(), `{"topic":"t"}`, "tombstone_topic_producer"},
	} {
		nsqtest.Do(t, c.method, a.url+c.path, c.body)
		for _, action := range strings.Fields(c.actions) {
			v := <-got
			if v["action"] != action {
				t.Errorf("%s %s notifies %v, want %s", c.method, c.path, v, action)
			}
			if _, ok := v["node"]; ok != (action == "tombstone_topic_producer") {
				t.Errorf("node of %s: %v", action, v["node"])
			}
			if _, ok := v["channel"]; ok != strings.HasSuffix(action, "_channel") {
				t.Errorf("channel of %s: %v", action, v["channel"])
			}
		}
	}
	req, _ := http.NewRequest("POST", a.url+"/api/topics/t", strings.NewReader(`{"action":"pause"}`))
	req.SetBasicAuth("bob", "secret")
	req.Header.Set("X-Scheme", "https")
	req.Header.Set("User-Agent", "me")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	v := <-got
	if v["user"] != "bob" || v["user_agent"] != "me" || v["url"] != "https"+strings.TrimPrefix(a.url, "http")+"/api/topics/t" ||
		!strings.HasPrefix(v["remote_ip"].(string), "127.0.0.1:") || v["via"] == "" || v["timestamp"].(float64) < 1e9 {
		t.Errorf("the notification is %v", v)
	}
	endpoint.Close()
	nsqtest.Do(t, "POST", a.url+"/api/topics/t", `{"action":"pause"}`)
	nsqtest.Eventually(t, patience, "the failure is logged", func() bool {
		return strings.Contains(a.log.String(), "ERROR: failed to POST notification - ")
	})
	a.want(t, "GET", "/ping", "", 200, "OK")
}
