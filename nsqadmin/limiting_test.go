package nsqadmin_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/nsqadmin"
)

// newLimiter returns a fake nsqd that can have limits, and has these.
func newLimiter(t *testing.T, host, limits string) *fake {
	n := newNsqd(t, host, 5)
	n.answers["/info"] = strings.Replace(n.answers["/info"], "{", `{"features":["limits","redrive"],`, 1)
	n.answers["/channel/limits"], n.answers["/topic/limits"] = limits, limits
	return n
}

const (
	noLimits  = `{"max_age":"0s","max_depth":0,"max_bytes":0,"overflow":"reject","own":{}}`
	someOwn   = `{"max_age":"24h0m0s","max_depth":9,"max_bytes":10000000000,"overflow":"drop-oldest","own":{"max_age":"24h0m0s","max_bytes":10000000000,"overflow":"drop-oldest"}}`
	otherwise = `{"max_age":"0s","max_depth":7,"max_bytes":0,"overflow":"reject","own":{"max_depth":7}}`
)

func has(t *testing.T, where, page string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(page, w) {
			t.Errorf("%s lacks %q", where, w)
		}
	}
}

// TestLimitForm shows what the nodes have, and where nothing can be set.
func TestLimitForm(t *testing.T) {
	can, cannot := newLimiter(t, "a", someOwn), newNsqd(t, "b", 7)
	a := over(t, newLookupd(t, can, cannot))
	for path, link := range map[string]string{"/topics/t": "/limits?topic=t", "/topics/t/c1": "/limits?channel=c1&amp;topic=t"} {
		has(t, path, nsqtest.Get(t, a.url+path), `<a class="btn" data-dialog href="`+link+`">Set limits…`, "None: what waits")
	}
	at := "/limits?topic=t&channel=c1"
	page := nsqtest.Get(t, a.url+at)
	checkPage(t, at, page)
	has(t, at, page, `name="max_age" value="24h"`, `name="max_depth" value=""`, `name="max_bytes" value="10 GB"`, `value="drop-oldest" selected`,
		`name="only" value="`+can.address()+`"`, "<b>b</b> cannot limit anything")
	if strings.Contains(page, "The nodes differ") {
		t.Error("one node differs from itself")
	}
	differ := nsqtest.Get(t, over(t, newLookupd(t, can, newLimiter(t, "b", otherwise))).url+at)
	has(t, "two nodes", differ, "The nodes differ", "max_depth 7", "max_age 24h, max_bytes 10 GB, overflow drop-oldest")
	b := over(t, newLookupd(t, cannot))
	if page, status := nsqtest.Do(t, "GET", b.url+at, ""); status != 404 || !strings.Contains(page, "can limit it") {
		t.Errorf("without a node that can: %d", status)
	}
	if page := nsqtest.Get(t, b.url+"/topics/t/c1"); strings.Contains(page, "/limits?") {
		t.Error("it is offered where no node can")
	}
}

// TestSetLimits asks, says what it costs, and sets, on the nodes that can.
func TestSetLimits(t *testing.T) {
	can, cannot := newLimiter(t, "a", noLimits), newNsqd(t, "b", 7)
	told := make(chan string, 2)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		told <- string(body)
	}))
	t.Cleanup(hook.Close)
	l := newLookupd(t, can, cannot)
	a := start(t, func(o *nsqadmin.Options) {
		o.LookupdHTTPAddresses, o.NotificationHTTPEndpoint = []string{l.address()}, hook.URL
	})
	form := func(channel, age, depth, size, overflow string) url.Values {
		f := url.Values{"topic": {"t"}, "max_age": {age}, "max_depth": {depth}, "max_bytes": {size}, "overflow": {overflow}, "only": {can.address()}}
		if channel != "" {
			f.Set("channel", channel)
		}
		return f
	}
	for _, c := range []struct {
		form  url.Values
		grave bool
		says  []string
	}{
		{form("c1", "", "100", "", ""), false, []string{"Set the limits of c1 of t?", "<b>100</b>", "the node&#39;s flags say; on 1 node; not on b"}},
		{form("c1", "", "", "", ""), false, []string{"no limits of its own"}},
		{form("c1", "0", "", "", ""), false, []string{"<b>any</b>", "no limit; on 1 node"}},
		{form("c1", "", "9", "", "drop-oldest"), true, []string{"<b>1</b><span>messages are dropped at once", "Type <code>c1</code>"}},
		{form("c1", "", "1", "", "drop-oldest"), true, []string{"<b>8</b><span>messages are dropped", "What is dropped is gone"}}, // 5 wait, 3 are deferred, 2 in flight
		{form("c1", "", "9", "", "reject"), false, []string{"<b>1</b><span>of these nodes refuse publishes at once"}},
		{form("c1", "90m", "", "", ""), true, []string{"1 h 30 min", "is as old as a message gets"}},
		{form("c1", "", "", "1.5 kB", "drop-oldest"), true, []string{"1.5 kB"}},
		{form("", "", "4", "", "drop-oldest"), true, []string{"Set the limits of t?", "<b>13</b><span>messages are dropped", "Type <code>t</code>"}}, // 1 of 5 at the topic, 6 of 10 in each channel
	} {
		page := nsqtest.Get(t, a.url+"/act/limit?"+c.form.Encode())
		has(t, c.form.Encode(), page, c.says...)
		if c.grave != strings.Contains(page, `name="name"`) {
			t.Errorf("%s: a name must be typed: %v", c.form.Encode(), !c.grave)
		}
	}
	for i, f := range []url.Values{form("c1", "60", "", "", ""), form("c1", "-1s", "", "", ""), form("c1", "", "many", "", ""), form("c1", "", "", "1 XB", ""), form("c1", "", "", "99999999 TB", ""), form("c1", "", "", "nan kB", ""), form("c1", "", "", "", "explode")} {
		page, status := nsqtest.Do(t, "GET", a.url+"/act/limit?"+f.Encode(), "")
		if status != 422 || strings.Count(page, `aria-invalid="true"`) != 1 || !strings.Contains(page, `class="err"`) {
			t.Errorf("wrong form %d: %d", i, status)
		}
		if _, status, _ := post(t, a, "/act/limit", f); status != 400 {
			t.Errorf("posting wrong form %d: %d", i, status)
		}
	}
	set := form("c1", "24h", "9", "10 GB", "drop-oldest")
	if _, status, _ := post(t, a, "/act/limit", set); status != 422 || len(can.posts()) != 0 {
		t.Errorf("without the name: %d, %q", status, can.posts())
	}
	set.Set("name", "c1")
	page, status, to := post(t, a, "/act/limit", set)
	if status != 200 || !strings.HasPrefix(to, "/topics/t/c1?done=") {
		t.Errorf("%d, %s", status, to)
	}
	has(t, "the page behind it", page, "Set the limits of t / c1: max_age 24h, max_depth 9, max_bytes 10 GB, overflow drop-oldest.")
	post(t, a, "/act/limit", form("", "", "", "", ""))
	wantPosts(t, "the node", can, "/channel/limits?channel=c1&max_age=24h0m0s&max_bytes=10000000000&max_depth=9&overflow=drop-oldest&topic=t",
		"/topic/limits?max_age=&max_bytes=&max_depth=&overflow=&topic=t")
	wantPosts(t, "the other", cannot)
	has(t, "the activity", nsqtest.Get(t, a.url+"/activity"), "t / c1: max_age 24h", "t: none of its own")
	has(t, "the first notification", <-told, `"action":"limit_channel","topic":"t","channel":"c1"`, `"limits":{"max_age":"24h0m0s","max_depth":9,"max_bytes":10000000000,"overflow":"drop-oldest"}`)
	has(t, "the second", <-told, `"action":"limit_topic"`, `"limits":{}`)
	hook.Close() // of what comes now nobody wants to know
	can.answer("/channel/limits", `500 {"message":"INTERNAL_ERROR"}`)
	if page, _, _ := post(t, a, "/act/limit", set); !strings.Contains(page, "INTERNAL_ERROR") || !strings.Contains(page, "Retry there") || !strings.Contains(page, `name="max_age" value="24h"`) {
		t.Error("a refusal is not shown, or cannot be tried again")
	}
}

// TestLimitsAreGuarded has one who may look try.
func TestLimitsAreGuarded(t *testing.T) {
	n := newLimiter(t, "a", noLimits)
	l := newLookupd(t, n)
	a := start(t, func(o *nsqadmin.Options) {
		o.LookupdHTTPAddresses, o.AdminUsers = []string{l.address()}, []string{"bob"}
	})
	if page := nsqtest.Get(t, a.url+"/limits?topic=t"); strings.Contains(page, `type="submit">Set limits`) {
		t.Error("the form can be sent")
	}
	if _, status, _ := post(t, a, "/act/limit", url.Values{"topic": {"t"}, "max_depth": {"1"}, "name": {"t"}}); status != 403 {
		t.Errorf("status %d", status)
	}
	wantPosts(t, "the node", n)
}

// TestPaletteActs has the palette offer what can be done where.
func TestPaletteActs(t *testing.T) {
	a := over(t, newLookupd(t, newLimiter(t, "a", noLimits)))
	off := start(t, func(o *nsqadmin.Options) {
		o.LookupdHTTPAddresses, o.MessagesOff = []string{newLookupd(t, newLimiter(t, "a", noLimits)).address()}, true
	})
	for q, want := range map[string]string{
		">redrive c1": `"Redrive t / c1…","link":"/redrive?channel=c1`, ">limits c1": `"Set limits of t / c1…","link":"/limits?channel=c1`, ">limits": `"Set limits of t…","link":"/limits?topic=t"`,
		">empty c1": `"Empty t / c1…","link":"/act/empty?`, ">pause t": `"Pause t…"`,
	} {
		has(t, q, nsqtest.Get(t, a.url+"/api/v2/search?q="+url.QueryEscape(q)), want)
	}
	for _, c := range []struct {
		a *admin
		q string
	}{{a, ">unpause"}, {off, ">redrive"}, {over(t, newLookupd(t, newNsqd(t, "a", 5))), ">redrive"}, {over(t, newLookupd(t, newNsqd(t, "a", 5))), ">limits"}} {
		if text := nsqtest.Get(t, c.a.url+"/api/v2/search?q="+url.QueryEscape(c.q)); text != `{"hits":[]}` {
			t.Errorf("%s: %s", c.q, text)
		}
	}
}
