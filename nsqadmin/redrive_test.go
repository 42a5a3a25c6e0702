package nsqadmin_test

import (
	"net/url"
	"strings"
	"testing"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/nsqadmin"
)

// newRedriver returns a fake nsqd that can redrive, and is at it.
func newRedriver(t *testing.T, host string) *fake {
	n := newNsqd(t, host, 5)
	n.answers["/info"] = strings.Replace(n.answers["/info"], "{", `{"features":["peek","redrive"],`, 1)
	n.answers["/channel/redrive"] = `{"to":"work","rate":100,"total":5000,"moved":1200,"left":3800,"failed":0,"started":1795340648,"state":"running"}`
	return n
}

func TestRedrivePage(t *testing.T) {
	can, cannot := newRedriver(t, "a"), newNsqd(t, "b", 7)
	a := over(t, newLookupd(t, can, cannot))
	at := "/redrive?topic=t&channel=c1"
	if page := nsqtest.Get(t, a.url+"/topics/t/c1"); !strings.Contains(page, `href="/redrive?topic=t&amp;channel=c1"`) {
		t.Error("the channel's page does not offer a redrive")
	}
	page := nsqtest.Get(t, a.url+at)
	checkPage(t, at, page)
	for _, want := range []string{"1200 of 5000 moved", "3,800", "about 38 s more", "100/s", "Stop redrive", "<b>b</b> cannot redrive"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if page, _ := nsqtest.Do(t, "GET", over(t, newLookupd(t, cannot)).url+at, ""); !strings.Contains(page, "can redrive it") {
		t.Error("a node that cannot is not said to be one")
	}

	form := url.Values{"topic": {"t"}, "channel": {"c1"}, "to": {"work"}, "rate": {"10"}, "limit": {"3"}, "only": {can.address()}}
	ask := nsqtest.Get(t, a.url+"/act/redrive?"+form.Encode())
	for _, want := range []string{"Redrive c1 to work?", "<b>3</b>", "not on b", "work does not exist", `name="to" value="work"`, `name="rate" value="10"`, `name="limit" value="3"`} {
		if !strings.Contains(ask, want) {
			t.Errorf("the question lacks %q", want)
		}
	}
	for field, value := range map[string]string{"to": "a b", "rate": "fast", "limit": "-1"} {
		wrong, _ := url.ParseQuery(form.Encode())
		wrong.Set(field, value)
		if page, status := nsqtest.Do(t, "GET", a.url+"/act/redrive?"+wrong.Encode(), ""); status != 422 || !strings.Contains(page, `aria-invalid="true"`) {
			t.Errorf("%s %q: %d", field, value, status)
		}
		if _, status, _ := post(t, a, "/act/redrive", wrong); status != 400 {
			t.Errorf("posting %s %q: %d", field, value, status)
		}
	}
	page, status, to := post(t, a, "/act/redrive", form)
	if status != 200 || !strings.HasPrefix(to, at[:8]) || !strings.Contains(page, "Began to redrive t / c1 to work.") {
		t.Errorf("%s, %d", to, status)
	}
	if page, _, _ := post(t, a, "/act/stop-redrive", url.Values{"topic": {"t"}, "channel": {"c1"}, "only": {can.address()}}); !strings.Contains(page, "Stopped the redrive of t / c1.") {
		t.Error("the redrive is not stopped")
	}
	wantPosts(t, "the node", can, "/channel/redrive?channel=c1&limit=3&rate=10&to=work&topic=t", "/channel/redrive/stop?channel=c1&topic=t")
	wantPosts(t, "the other", cannot)
	if page := nsqtest.Get(t, a.url+"/activity"); !strings.Contains(page, "t / c1 to work") {
		t.Error("the activity does not tell of it")
	}
	can.answer("/channel/redrive", `409 {"message":"REDRIVE_RUNNING"}`)
	if page, _, _ := post(t, a, "/act/redrive", form); !strings.Contains(page, "REDRIVE_RUNNING") || !strings.Contains(page, "Retry there") {
		t.Error("a refusal is not shown")
	}
}

func TestRedriveAPI(t *testing.T) {
	can := newRedriver(t, "a")
	a := over(t, newLookupd(t, can, newNsqd(t, "b", 7)))
	at := "/api/v2/redrive/t/c1"
	if got := a.get(t, at)["nodes"].([]any); len(got) != 1 || got[0].(map[string]any)["redrive"].(map[string]any)["moved"] != 1200.0 {
		t.Errorf("%v", got)
	}
	for body, want := range map[string]string{
		`{`: "INVALID_BODY", `{}`: "INVALID_TO", `{"to":"w","rate":-1}`: "INVALID_RATE", `{"to":"w","rate":99999999999}`: "INVALID_RATE", `{"to":"w","limit":-1}`: "INVALID_LIMIT",
	} {
		a.want(t, "POST", at, body, 400, `{"message":"`+want+`"}`)
	}
	a.want(t, "POST", at, `{"to":"work","rate":10}`, 200, `{"nodes":[{"node":"`+can.address()+`"}],"message":""}`)
	a.want(t, "DELETE", at, "", 200, `{"nodes":[{"node":"`+can.address()+`"}],"message":""}`)
	wantPosts(t, "the node", can, "/channel/redrive?channel=c1&limit=0&rate=10&to=work&topic=t", "/channel/redrive/stop?channel=c1&topic=t")
	a.want(t, "GET", "/api/v2/redrive/t/none", "", 404, `{"message":"CHANNEL_NOT_FOUND"}`)
	a.want(t, "GET", "/api/v2/redrive/none/c1", "", 404, `{"message":"TOPIC_NOT_FOUND"}`)
}

func TestCancelMessage(t *testing.T) {
	n := newPeekable(t)
	n.answers["/channel/peek?channel=c1&limit=50&state=deferred&topic=t"] = `{"messages":[{"id":"00000000000000aa","timestamp":1,"attempts":0,"until":1895340648000000000,"size":5,"body":"aGVsbG8="}]}`
	a := over(t, newLookupd(t, n))
	page := nsqtest.Get(t, a.url+"/messages?topic=t&channel=c1&state=deferred")
	link := "/act/cancel?" + url.Values{"topic": {"t"}, "channel": {"c1"}, "only": {n.address()}, "id": {"00000000000000aa"}}.Encode()
	if !strings.Contains(page, `href="`+strings.ReplaceAll(link, "&", "&amp;")) {
		t.Error("a deferred message cannot be cancelled")
	}
	if page := nsqtest.Get(t, a.url+"/messages?topic=t&channel=c1"); strings.Contains(page, "/act/cancel") {
		t.Error("a message that is ready can be cancelled")
	}
	if page := nsqtest.Get(t, a.url+link); !strings.Contains(page, "Cancel message 00000000000000aa of c1?") || !strings.Contains(page, ">Keep it<") || strings.Contains(page, `name="name"`) {
		t.Error("the question is another")
	}
	form, _ := url.ParseQuery(link[len("/act/cancel?"):])
	if page, _, to := post(t, a, "/act/cancel", form); !strings.HasPrefix(to, "/messages?") || !strings.Contains(to, "state=deferred") || !strings.Contains(page, "Cancelled a message of t / c1, 00000000000000aa.") {
		t.Errorf("cancelling leads to %s", to)
	}
	wantPosts(t, "the node", n, "/channel/cancel?channel=c1&id=00000000000000aa&topic=t")
	for field, value := range map[string]string{"id": "1", "only": "", "channel": ""} {
		wrong, _ := url.ParseQuery(form.Encode())
		wrong.Set(field, value)
		if value == "" {
			wrong.Del(field)
		}
		if _, status, _ := post(t, a, "/act/cancel", wrong); status != 400 {
			t.Errorf("%s %q: %d", field, value, status)
		}
	}
}

func TestRedriveIsGuarded(t *testing.T) {
	n := newRedriver(t, "a")
	l := newLookupd(t, n)
	for name, set := range map[string]func(o *nsqadmin.Options){
		"visitor": func(o *nsqadmin.Options) { o.AdminUsers = []string{"bob"} },
		"off":     func(o *nsqadmin.Options) { o.MessagesOff = true },
	} {
		a := start(t, func(o *nsqadmin.Options) {
			o.LookupdHTTPAddresses = []string{l.address()}
			set(o)
		})
		for _, request := range []string{"GET /redrive?topic=t&channel=c1", "GET /act/redrive?topic=t&channel=c1&to=w", "GET /api/v2/redrive/t/c1", "POST /api/v2/redrive/t/c1", "DELETE /api/v2/redrive/t/c1"} {
			method, path, _ := strings.Cut(request, " ")
			if _, status := nsqtest.Do(t, method, a.url+path, `{"to":"w"}`); status != 403 {
				t.Errorf("%s: %s: status %d", name, request, status)
			}
		}
		for _, verb := range []string{"redrive", "stop-redrive", "cancel"} {
			if _, status, _ := post(t, a, "/act/"+verb, url.Values{"topic": {"t"}, "channel": {"c1"}, "to": {"w"}, "id": {"00000000000000aa"}, "only": {n.address()}}); status != 403 {
				t.Errorf("%s: %s: status %d", name, verb, status)
			}
		}
		if page := nsqtest.Get(t, a.url+"/topics/t/c1"); strings.Contains(page, "/redrive?") {
			t.Errorf("%s: a redrive is offered", name)
		}
	}
	wantPosts(t, "the node", n)
}
