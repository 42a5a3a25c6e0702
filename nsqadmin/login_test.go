package nsqadmin_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/nsqadmin"
)

func TestLogin(t *testing.T) {
	n := newNsqd(t, "a", 5)
	l := newLookupd(t, n)
	hash := func(password string) string {
		h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return string(h)
	}
	a := start(t, func(o *nsqadmin.Options) {
		o.LookupdHTTPAddresses, o.BasePath = []string{l.address()}, "/b"
		o.Users = []string{"alice:admin:" + hash("a"), "bob:read:" + hash("b")}
	})
	jar, _ := cookiejar.New(nil) // it cannot fail
	client := &http.Client{Jar: jar}
	visit := func(method, path string, form url.Values) (at string, status int, page string) {
		t.Helper()
		req, err := http.NewRequest(method, a.url+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Request.URL.RequestURI(), resp.StatusCode, string(body)
	}
	at, _, page := visit("GET", "/b/topics?q=x", nil)
	if at != "/b/login?back=%2Fb%2Ftopics%3Fq%3Dx" || strings.Contains(page, "/b/nodes") {
		t.Errorf("without a login one gets to %s", at)
	}
	checkPage(t, at, page)
	for _, path := range []string{"/b/api/topics", "/b/api/v2/live"} {
		if _, status, _ := visit("GET", path, nil); status != 401 {
			t.Errorf("%s without a login: %d", path, status)
		}
	}
	if _, status, _ := visit("POST", "/b/act/pause", url.Values{"topic": {"t"}}); status != 401 || len(n.posts()) > 0 {
		t.Errorf("an action without a login: %d", status)
	}
	a.want(t, "GET", "/b/ping", "", 200, "OK")
	a.want(t, "GET", "/b/healthz", "", 200, `{"status":"alive"}`)
	a.want(t, "GET", "/b/metrics", "", 401, `{"message":"UNAUTHORIZED"}`)
	a.want(t, "GET", "/b/config/users", "", 400, `{"message":"INVALID_OPTION"}`)
	if _, status, page := visit("POST", "/b/login", url.Values{"name": {"bob"}, "password": {"x"}}); status != 401 || !strings.Contains(page, "do not match") {
		t.Errorf("a wrong password: %d", status)
	}
	if at, _, page = visit("POST", "/b/login", url.Values{"name": {"bob"}, "password": {"b"}, "back": {"/b/topics/t"}}); at != "/b/topics/t" || !strings.Contains(page, "<b>bob</b> · may look") || strings.Contains(page, "/act/") {
		t.Errorf("bob gets to %s", at)
	}
	if _, status, _ := visit("POST", "/b/act/pause", url.Values{"topic": {"t"}}); status != 403 || len(n.posts()) > 0 {
		t.Errorf("bob may pause: %d", status)
	}
	if at, _, _ = visit("POST", "/b/logout", nil); at != "/b/login" {
		t.Errorf("logging out leads to %s", at)
	}
	if at, _, _ = visit("GET", "/b/nodes", nil); at != "/b/login?back=%2Fb%2Fnodes" {
		t.Errorf("after logging out one gets to %s", at)
	}
	visit("POST", "/b/login", url.Values{"name": {"alice"}, "password": {"a"}})
	if _, status, page := visit("POST", "/b/act/pause", url.Values{"topic": {"t"}}); status != 200 || !strings.Contains(page, "Paused t.") {
		t.Errorf("alice may not pause: %d", status)
	}
	if page := nsqtest.Get(t, strings.Replace(a.url, "http://", "http://bob:b@", 1)+"/b/settings"); strings.Contains(page, "$2a$") {
		t.Error("the settings show hashes")
	}
	if _, status := nsqtest.Do(t, "GET", strings.Replace(a.url, "http://", "http://bob:a@", 1)+"/b/api/topics", ""); status != 401 {
		t.Errorf("a wrong password by HTTP Basic: %d", status)
	}
}
