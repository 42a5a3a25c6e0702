package uitest

import (
	"testing"

	"github.com/chromedp/chromedp"
	"golang.org/x/crypto/bcrypt"

	"nsqsuite/internal/nsqtest"
)

// TestBrowser shows one cluster to one browser, in turns that build on each other.
func TestBrowser(t *testing.T) {
	b := open(t)
	s := begin(t, "--cluster-name=prod-eu", "--cluster-color=red")
	for _, turn := range []struct {
		name   string
		script bool // it needs the script
		take   func(t *testing.T, b *browser, s *scenario)
	}{
		{"live", true, live}, {"pages", false, look4}, {"login", false, login}, {"keyboard", true, keyboard}, {"actions", true, act}, {"crowd", false, crowd},
	} {
		t.Run(turn.name, func(t *testing.T) {
			if turn.script {
				scripted(t)
			}
			b.t, s.t = t, t
			b.look(looks[0])
			turn.take(t, b, s)
			b.calm(turn.name)
		})
	}
}

// look4 opens every page in all four ways to look at it, with one node frozen.
func look4(_ *testing.T, b *browser, s *scenario) {
	s.redrive()
	s.freeze(2)
	defer s.thaw(2)
	nsqtest.Eventually(b.t, patience, "the overview says that a node does not answer", func() bool { // a page without script must be loaded again
		b.do(chromedp.Navigate(s.url("/")))
		return value[bool](b, `document.body.innerText.includes("does not answer")`)
	})
	pages := []struct{ name, path, sees string }{
		{"overview", "/", "Needs attention"},
		{"topics", "/topics", "Published"},
		{"topics-none", "/topics?q=nothing-like-it", "No topic matches"},
		{"topic", "/topics/orders", "How far each channel is behind"},
		{"topic-idle", "/topics/orders-2024", "No node has this topic"},
		{"channel", "/topics/orders/fulfilment", "Consumers"},
		{"channel-unready", "/topics/emails/sender", "none ready"},
		{"nodes", "/nodes", "silent"},
		{"node", "/nodes/" + s.nsqds[0].HTTP, "Topics and channels"},
		{"node-frozen", "/nodes/" + s.nsqds[2].HTTP, "does not answer"},
		{"lookup", "/lookup", "Registrations"},
		{"counter", "/counter", "Messages processed"},
		{"activity", "/activity", "Paused"},
		{"settings", "/settings", "This browser"},
		{"confirm", "/act/delete?topic=orders&channel=fulfilment", "Type fulfilment to confirm"},
		{"messages", "/messages?topic=payments&channel=ledger", "Looking changes nothing"},
		{"messages-deferred", "/messages?topic=search-updates&channel=indexer&state=deferred", "until"},
		{"redrive", "/redrive?topic=payments&channel=ledger", "Running"},
		{"redrive-wrong", "/act/redrive?topic=payments&channel=ledger&to=a+b&rate=fast", "A name is made of"},
		{"redrive-confirm", "/act/redrive?topic=payments&channel=ledger&to=search-updates&rate=50&only=" + s.nsqds[0].HTTP, "waiting messages are moved"},
		{"limits", "/limits?topic=payments&channel=ledger", "Limits of ledger"},
		{"limits-confirm", "/act/limit?topic=payments&channel=ledger&max_age=24h&max_depth=10&overflow=drop-oldest", "are dropped at once"},
		{"publish", "/publish?topic=payments", "one message per line"},
		{"missing", "/topics/ordres", "Did you mean"},
	}
	for _, way := range looks {
		b.look(way)
		for _, p := range pages {
			where := p.name + "-" + way.name
			b.do(chromedp.Navigate(s.url(p.path)))
			b.see(p.sees)
			b.is(where+" does not scroll sideways", `document.scrollingElement.scrollWidth <= innerWidth`)
			b.shoot(where)
			b.accessible(where, way.dark)
			b.calm(where)
		}
	}
}

// login looks at the page that asks who one is, and logs in and out.
func login(t *testing.T, b *browser, s *scenario) {
	hash, err := bcrypt.GenerateFromPassword([]byte("open sesame"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	admin := nsqtest.Start(t, "nsqadmin", "--lookupd-http-address="+s.lookupds[0].HTTP, "--cluster-name=staging", "--cluster-color=green", "--user=ann:admin:"+string(hash))
	for _, way := range looks {
		b.look(way)
		b.do(chromedp.Navigate("http://" + admin.HTTP + "/login"))
		b.see("Log in")
		b.is("login-"+way.name+" does not scroll sideways", `document.scrollingElement.scrollWidth <= innerWidth`)
		b.shoot("login-" + way.name)
		b.accessible("login-"+way.name, way.dark)
	}
	b.do(chromedp.SendKeys(chromedp.CSS(`#ln`), "ann"), chromedp.SendKeys(chromedp.CSS(`#lp`), "open sesame"), chromedp.Click(chromedp.CSS(`main button`)))
	b.see("Needs attention")
	value[any](b, `document.querySelector("form[action$='/logout'] button").click()`) // at once: the page updates itself
	b.see("Log in")
	b.calm("login")
}
