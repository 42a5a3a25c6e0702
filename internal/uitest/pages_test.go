package uitest

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// TestBrowser shows one cluster to one browser, in turns that build on each other.
func TestBrowser(t *testing.T) {
	b := open(t)
	s := begin(t)
	for _, turn := range []struct {
		name   string
		script bool // it needs the script
		take   func(t *testing.T, b *browser, s *scenario)
	}{
		{"live", true, live}, {"pages", false, look4}, {"keyboard", true, keyboard}, {"actions", true, act}, {"crowd", false, crowd},
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

// inTheDark is how many pages are looked at in dark, too.
const inTheDark = 8

// look4 opens every page in all four ways to look at it, with one node frozen.
func look4(_ *testing.T, b *browser, s *scenario) {
	s.freeze(2)
	defer s.thaw(2)
	b.do(chromedp.Navigate(s.url("/")))
	b.see("does not answer")
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
		{"publish", "/publish?topic=payments", "one message per line"},
		{"missing", "/topics/ordres", "Did you mean"},
	}
	for _, way := range looks {
		b.look(way)
		for i, p := range pages {
			if way.dark && i >= inTheDark {
				break // the rest has no colour that these have not
			}
			where := p.name + "-" + way.name
			b.do(chromedp.Navigate(s.url(p.path)))
			b.see(p.sees)
			b.is(where+" does not scroll sideways", `document.scrollingElement.scrollWidth <= innerWidth`)
			b.shoot(where)
			b.accessible(where, way.dark)
			if p.name == "missing" {
				b.mu.Lock()
				b.problems = nil // the browser notes the 404
				b.mu.Unlock()
			}
			b.calm(where)
		}
	}
}
