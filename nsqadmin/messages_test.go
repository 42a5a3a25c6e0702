package nsqadmin_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/nsqadmin"
)

// newPeekable returns a fake nsqd that shows three messages in two answers.
func newPeekable(t *testing.T) *fake {
	n := newNsqd(t, "a", 5)
	n.answers["/info"] = strings.Replace(n.answers["/info"], "{", `{"features":["peek"],`, 1)
	message := func(id, body string) string {
		return fmt.Sprintf(`{"id":%q,"timestamp":1795340648000000000,"attempts":2,"size":%d,"body":%q}`, id, len(body), base64.StdEncoding.EncodeToString([]byte(body)))
	}
	const path = "/channel/peek?channel=c1&%slimit=%d%s&state=ready&topic=t"
	ask := func(from string, limit int, more string) string { return fmt.Sprintf(path, from, limit, more) }
	n.answers[ask("", 50, "")] = `{"messages":[` + message("0a", `{"order":48213,"tags":["<b>",null,true]}`) + "," + message("0b", "\x00\x01binary") + `],"next":"7"}`
	cut := strings.Replace(message("0d", "the begin"), `"size":9`, `"size":13`, 1)
	n.answers[ask("from=7&", 50, "")] = `{"messages":[` + message("0c", "plain <text>") + "," + cut + `]}`
	n.answers[ask("from=7&", 1, "")] = `{"messages":[` + message("0c", "plain <text>") + `],"next":"8"}`
	n.answers[ask("from=8&", 1, "&max_body=13")] = `{"messages":[` + message("0d", "the beginning") + `]}`
	return n
}

func TestMessages(t *testing.T) {
	n := newPeekable(t)
	a := over(t, newLookupd(t, n))
	if page := nsqtest.Get(t, a.url+"/topics/t/c1"); !strings.Contains(page, `href="/messages?topic=t&amp;channel=c1"`) {
		t.Error("the channel's page does not offer its messages")
	}
	at := "/messages?topic=t&channel=c1"
	page := nsqtest.Get(t, a.url+at)
	checkPage(t, at, page)
	for _, want := range []string{`<span class="k">order: </span><span class="d">48213</span>`, `<span class="s">&#34;&lt;b&gt;&#34;</span>`, "00000000  00 01 62", "··binary", "from=7", "2 deliveries"} {
		if !strings.Contains(page, want) {
			t.Errorf("the messages lack %q", want)
		}
	}
	for query, want := range map[string]string{"&from=7": "plain &lt;text&gt;", "&q=plain": "plain &lt;text&gt;", "&q=0b": "binary", "&as=hex": "7b 22 6f 72", "&q=nowhere": "4 messages were looked through", "&state=deferred": "got response 404"} {
		if page := nsqtest.Get(t, a.url+at+query); !strings.Contains(page, want) {
			t.Errorf("%s lacks %q", query, want)
		}
	}
	for id, want := range map[string]string{"0c": "plain <text>", "0d": "the beginning"} {
		body, status := nsqtest.Do(t, "GET", a.url+"/messages/body?topic=t&channel=c1&state=ready&id="+id+"&node="+n.address(), "")
		if status != 200 || body != want {
			t.Errorf("the download of %s is %d %q", id, status, body)
		}
	}
	if _, status := nsqtest.Do(t, "GET", a.url+"/messages/body?topic=t&channel=c1&state=ready&id=ff&node="+n.address(), ""); status != 404 {
		t.Errorf("a message that is gone: %d", status)
	}
	if page, _ := nsqtest.Do(t, "GET", over(t, newLookupd(t, newNsqd(t, "a", 5))).url+at, ""); !strings.Contains(page, "can show its messages") {
		t.Error("a node without peek is not said to be one")
	}
}

func TestPublish(t *testing.T) {
	n := newNsqd(t, "a", 5)
	a := over(t, newLookupd(t, n))
	checkPage(t, "/publish", nsqtest.Get(t, a.url+"/publish?topic=t"))
	form := url.Values{"topic": {"t"}, "node": {n.address()}, "body": {"one\r\ntwo\r\n"}}
	for _, c := range []struct{ field, value, want string }{
		{"", "", "/pub?topic=t"},
		{"lines", "1", "/mpub?topic=t"},
		{"delay", "1.5", "/pub?defer=1500&topic=t"},
	} {
		if c.field != "" {
			form.Set(c.field, c.value)
		}
		if page, status, at := post(t, a, "/publish", form); status != 200 || !strings.HasPrefix(at, "/topics/t?done=") || !strings.Contains(page, "Published to t") {
			t.Errorf("publishing leads to %s, %d", at, status)
		}
		if got := n.posts(); got[len(got)-1] != c.want {
			t.Errorf("nsqd was told %q, want %s", got, c.want)
		}
	}
	if got := n.posts(); len(got) != 4 {
		t.Errorf("two deferred messages are %q", got[2:])
	}
	for field, value := range map[string]string{"topic": "a b", "delay": "soon", "body": "", "node": "x:1"} {
		wrong := url.Values{"topic": {"t"}, "node": {n.address()}, "body": {"one"}}
		wrong.Set(field, value)
		if page, status, _ := post(t, a, "/publish", wrong); status != 422 || !strings.Contains(page, `role="alert"`) {
			t.Errorf("%s %q: %d", field, value, status)
		}
	}
	n.answer("/pub", `413 {"message":"MSG_TOO_BIG"}`)
	if page, status, _ := post(t, a, "/publish", url.Values{"topic": {"t"}, "node": {n.address()}, "body": {"one"}}); status != 502 || !strings.Contains(page, "MSG_TOO_BIG") || !strings.Contains(page, ">one</textarea>") {
		t.Errorf("a node that refuses: %d", status)
	}
}

func TestMessagesAreGuarded(t *testing.T) {
	n := newPeekable(t)
	l := newLookupd(t, n)
	for name, set := range map[string]func(o *nsqadmin.Options){
		"visitor": func(o *nsqadmin.Options) { o.AdminUsers = []string{"bob"} },
		"off":     func(o *nsqadmin.Options) { o.MessagesOff = true },
	} {
		a := start(t, func(o *nsqadmin.Options) {
			o.LookupdHTTPAddresses = []string{l.address()}
			set(o)
		})
		for _, path := range []string{"/messages?topic=t&channel=c1", "/publish?topic=t", "/messages/body?topic=t&channel=c1&state=ready&id=0c&node=" + n.address()} {
			if _, status := nsqtest.Do(t, "GET", a.url+path, ""); status != 403 {
				t.Errorf("%s: %s: status %d", name, path, status)
			}
		}
		if _, status, _ := post(t, a, "/publish", url.Values{"topic": {"t"}, "node": {n.address()}, "body": {"x"}}); status != 403 || len(n.posts()) > 0 {
			t.Errorf("%s: publishing: status %d", name, status)
		}
		if page := nsqtest.Get(t, a.url+"/topics/t/c1") + nsqtest.Get(t, a.url+"/topics/t"); strings.Contains(page, "/messages?") || strings.Contains(page, "/publish?") {
			t.Errorf("%s: messages are offered", name)
		}
	}
}
