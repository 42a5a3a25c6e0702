package nsqadmin_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/nsqadmin"
)

var (
	href   = regexp.MustCompile(`(?:href|action|src)="([^"#]*)(?:#([^"]*))?"`)
	ids    = regexp.MustCompile(`\sid="([^"]+)"`)
	uses   = regexp.MustCompile(`(?:href="#|for="|aria-labelledby="|aria-describedby=")([^"]+)"`)
	inline = regexp.MustCompile(`\sstyle=|\son[a-z]+=|<style|<script>|javascript:`)
)

// TestPages walks through all links of all pages, without script.
func TestPages(t *testing.T) {
	l := newLookupd(t, newNsqd(t, "a", 5), newNsqd(t, "b", 7))
	for name, set := range map[string]func(o *nsqadmin.Options){
		"nsqlookupd": func(o *nsqadmin.Options) { o.LookupdHTTPAddresses = []string{l.address(), newLookupd(t).address()} },
		"base path": func(o *nsqadmin.Options) {
			o.LookupdHTTPAddresses, o.BasePath, o.GraphiteURL = []string{l.address()}, "/b", "http://graphite.example"
		},
		"nsqd":   func(o *nsqadmin.Options) { o.NsqdHTTPAddresses = []string{newNsqd(t, "a", 5).address()} },
		"nobody": func(o *nsqadmin.Options) { o.LookupdHTTPAddresses = []string{"127.0.0.1:1"} },
		"visitor": func(o *nsqadmin.Options) {
			o.LookupdHTTPAddresses, o.AdminUsers = []string{l.address()}, []string{"bob"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var base string
			a := start(t, func(o *nsqadmin.Options) {
				set(o)
				base = strings.TrimSuffix(o.BasePath, "/")
			})
			seen, variants := map[string]bool{}, map[string]int{}
			queue := []string{base + "/"}
			if base != "" {
				queue = []string{base}
			}
			for len(queue) > 0 && len(seen) < 300 {
				path := queue[0]
				queue = queue[1:]
				bare, _, _ := strings.Cut(path, "?")
				if variants[bare]++; seen[path] || variants[bare] > 4 {
					continue // another order or span of the same
				}
				seen[path] = true
				page, status := nsqtest.Do(t, "GET", a.url+path, "")
				if status != 200 {
					t.Errorf("%s: %d %.200s", path, status, page)
					continue
				}
				if strings.Contains(path, "/static/") || strings.Contains(path, "/export/") {
					continue
				}
				checkPage(t, path, page)
				for _, m := range href.FindAllStringSubmatch(page, -1) {
					target := strings.ReplaceAll(m[1], "&amp;", "&")
					if target == "" || strings.Contains(m[0], `action="`+base+"/settings") || strings.Contains(m[0], `action="`+base+"/act") {
						continue
					}
					if strings.HasPrefix(target, "?") {
						target = strings.SplitN(path, "?", 2)[0] + target
					}
					if u, err := url.Parse(target); err != nil || u.Host != "" && u.Host != "graphite.example" {
						t.Errorf("%s links to %s", path, target)
					} else if u.Host == "" {
						if !strings.HasPrefix(target, base) {
							t.Errorf("%s links to %s, outside the base path", path, target)
						}
						queue = append(queue, target)
					}
				}
			}
			if len(seen) < 11 { // one more with the script
				t.Errorf("only %d pages found", len(seen))
			}
		})
	}
}

// checkPage looks at what must hold for all pages.
func checkPage(t *testing.T, path, page string) {
	t.Helper()
	if m := inline.FindString(page); m != "" {
		t.Errorf("%s has %q, which the policy forbids", path, m)
	}
	if strings.Contains(page, "<no value>") || strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "%!") || !strings.Contains(page, "</html>") {
		t.Errorf("%s is not drawn right", path)
	}
	have := map[string]bool{}
	for _, m := range ids.FindAllStringSubmatch(page, -1) {
		if have[m[1]] {
			t.Errorf("%s has id %s twice", path, m[1])
		}
		have[m[1]] = true
	}
	for _, m := range uses.FindAllStringSubmatch(page, -1) {
		for _, id := range strings.Fields(m[1]) {
			if !have[id] {
				t.Errorf("%s points at %s, which is not there", path, id)
			}
		}
	}
}

func TestPageHeaders(t *testing.T) {
	a := over(t, newLookupd(t, newNsqd(t, "a", 5)))
	header := fetch(t, "GET", a.url+"/", nil)
	for k, want := range map[string]string{"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
		if header.Get(k) != want {
			t.Errorf("%s is %q", k, header.Get(k))
		}
	}
	if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %s", policy)
	}
	for path, want := range map[string]int{"/topics/none": 404, "/topics/t/none": 404, "/nodes/x:1": 404, "/act/pause": 400, "/act/eat?topic=t": 400, "/act/delete?topic=*": 400, "/act/pause?topic=t&node=x": 400} {
		if _, status := nsqtest.Do(t, "GET", a.url+path, ""); status != want {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
	}
	if page, _ := nsqtest.Do(t, "GET", a.url+"/topics/tt", ""); !strings.Contains(page, `Did you mean <a class="m" href="/topics/t">t</a>`) {
		t.Error("a wrong name is not put right")
	}
}

// post sends a form and returns the page that it leads to.
func post(t *testing.T, a *admin, path string, form url.Values) (page string, status int, at string) {
	t.Helper()
	resp, err := http.PostForm(a.url+path, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), resp.StatusCode, resp.Request.URL.RequestURI()
}

func TestActionsByForm(t *testing.T) {
	n, m := newNsqd(t, "a", 5), newNsqd(t, "b", 7)
	l := newLookupd(t, n, m)
	a := over(t, l)
	ask := nsqtest.Get(t, a.url+"/act/empty?topic=t&channel=c1")
	for _, want := range []string{"Empty channel c1 of t?", "<b>12</b><span>waiting messages are dropped", "2 of them on disk, on 2 nodes", "Type <code>c1</code>", "autofocus>Cancel"} {
		if !strings.Contains(ask, want) {
			t.Errorf("the question lacks %q", want)
		}
	}
	form := url.Values{"topic": {"t"}, "channel": {"c1"}, "name": {"wrong"}}
	if page, status, _ := post(t, a, "/act/empty", form); status != 422 || !strings.Contains(page, "That is not c1. Nothing was done.") || len(n.posts()) != 0 {
		t.Errorf("a wrong name: %d", status)
	}
	form.Set("name", "c1")
	page, status, at := post(t, a, "/act/empty", form)
	if status != 200 || !strings.HasPrefix(at, "/topics/t/c1?done=") || !strings.Contains(page, "Emptied t / c1.") {
		t.Errorf("emptying leads to %s, %d", at, status)
	}
	wantPosts(t, "nsqd", n, "/channel/empty?channel=c1&topic=t")

	// One node fails: retry is offered, and reaches only that node.
	m.answer("/topic/pause", `500 {"message":"no"}`)
	page, _, _ = post(t, a, "/act/pause", url.Values{"topic": {"t"}})
	if !strings.Contains(page, "Paused t at 1 of 2.") || !strings.Contains(page, `name="only" value="`+m.address()+`"`) || !strings.Contains(page, "Retry there") {
		t.Error("a failed node gives no retry")
	}
	before := len(n.posts())
	post(t, a, "/act/pause", url.Values{"topic": {"t"}, "only": {m.address()}})
	if len(n.posts()) != before {
		t.Error("the retry reached a node that had done it")
	}
	page, _, at = post(t, a, "/act/delete", url.Values{"topic": {"t", "idle"}, "name": {"2"}})
	if !strings.Contains(page, "Deleted 2 topics.") || !strings.HasPrefix(at, "/topics?done=") {
		t.Errorf("deleting two leads to %s", at)
	}
	activity := nsqtest.Get(t, a.url+"/activity")
	if strings.Count(activity, "Deleted") != 2 || !strings.Contains(activity, "1 of 2 failed") || !strings.Contains(activity, "got response 500") {
		t.Error("the activity is not complete")
	}
	page, status, _ = post(t, a, "/act/create", url.Values{"topic": {"label printer"}})
	if status != 422 || !strings.Contains(page, "Try label-printer.") || !strings.Contains(page, `value="label printer"`) {
		t.Errorf("a wrong name to create: %d", status)
	}
	if _, status, at = post(t, a, "/act/create", url.Values{"topic": {"new"}, "channel": {""}}); status != 404 && !strings.HasPrefix(at, "/topics/new") {
		t.Errorf("creating leads to %s, %d", at, status)
	}
}

func TestFormsNeedAnAdmin(t *testing.T) {
	n := newNsqd(t, "a", 5)
	a := start(t, func(o *nsqadmin.Options) {
		o.LookupdHTTPAddresses, o.AdminUsers = []string{newLookupd(t, n).address()}, []string{"bob"}
	})
	if _, status, _ := post(t, a, "/act/pause", url.Values{"topic": {"t"}}); status != 403 || len(n.posts()) != 0 {
		t.Errorf("anybody may pause: %d", status)
	}
	page := nsqtest.Get(t, a.url+"/topics/t")
	if strings.Contains(page, "/act/") || !strings.Contains(page, "Changes need the role") {
		t.Error("a visitor is offered actions, or not told why there are none")
	}
}

func TestTopicsFilter(t *testing.T) {
	a := over(t, newLookupd(t, newNsqd(t, "a", 5)))
	for q, found := range map[string]bool{
		"": true, "T": true, "c2": true, "x": false, "-x": true, "depth>10": true, "depth>15": false, "depth>=15": true, "depth=15": true, "-depth=15": false,
		"depth<1k": true, "channels=2 nodes=1": true, "node:a": true, "node:zz": false, "no-channel": false, "paused": false, "no-consumers": false, "what=1": false,
	} {
		v := a.get(t, "/api/v2/topics?q="+url.QueryEscape(q))
		if got := len(v["topics"].([]any)) == 1; got != found {
			t.Errorf("filter %q finds the topic: %v", q, got)
		}
	}
	if csv := nsqtest.Get(t, a.url+"/export/topics.csv?q=t"); !strings.Contains(csv, "topic,state,depth,") || !strings.Contains(csv, "\nt,None ready,15,") {
		t.Errorf("the export is %s", csv)
	}
	if page := nsqtest.Get(t, a.url+"/topics?q=what%3D1"); !strings.Contains(page, "is no term that is known here") {
		t.Error("a wrong term is not named")
	}
}

func TestPreferences(t *testing.T) {
	a := over(t, newLookupd(t, newNsqd(t, "a", 5)))
	jar := map[string]string{}
	req := func(back string, form url.Values) string {
		form.Set("back", back)
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := client.PostForm(a.url+"/settings", form)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		for _, c := range resp.Cookies() {
			jar[c.Name] = c.Value
		}
		return resp.Header.Get("Location")
	}
	if to := req("/nodes", url.Values{"nsqadmin_theme": {"dark"}, "nsqadmin_live": {"30"}, "nsqadmin_density": {"huge"}}); to != "/nodes" {
		t.Errorf("goes back to %s", to)
	}
	for _, elsewhere := range []string{"//evil.example", "https://evil.example/", `/\evil.example`, "evil"} {
		if to := req(elsewhere, url.Values{}); to != "/settings" {
			t.Errorf("back=%s leads to %s", elsewhere, to)
		}
	}
	if jar["nsqadmin_theme"] != "dark" || jar["nsqadmin_live"] != "30" || jar["nsqadmin_density"] != "" {
		t.Errorf("the cookies are %v", jar)
	}
	r, _ := http.NewRequest("GET", a.url+"/", nil)
	r.AddCookie(&http.Cookie{Name: "nsqadmin_theme", Value: "dark"})
	r.AddCookie(&http.Cookie{Name: "nsqadmin_live", Value: "30"})
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, _ := io.ReadAll(resp.Body)
	if !strings.Contains(string(page), `data-theme="dark"`) || !strings.Contains(string(page), `<meta http-equiv="refresh" content="30">`) {
		t.Error("the page does not follow the cookies")
	}
}
