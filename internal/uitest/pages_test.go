package uitest

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPages opens every page in every way to look at it.
func TestPages(t *testing.T) {
	b := open(t)
	s := begin(t)
	s.freeze(2)
	b.do(chromedp.Navigate(s.url("/")))
	b.do(until(fmt.Sprintf(`fetch("/api/v2/attention").then(r => r.json()).then(v => v.attention.length >= %d)`, 6)))
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
			if !way.dark || way.width > 500 { // a dark phone has nothing new to find
				b.accessible(where)
			}
			if p.name == "missing" {
				b.mu.Lock()
				b.problems = nil // the browser notes the 404
				b.mu.Unlock()
			}
			b.calm(where)
		}
	}
}
