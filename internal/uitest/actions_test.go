package uitest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"nsqsuite/internal/nsqtest"
)

// key presses a key with Ctrl.
func ctrl(key string) step {
	return chromedp.KeyEvent(key, chromedp.KeyModifiers(kb.ModifierCtrl))
}

// act does everything that can be done, by mouse and keyboard.
func act(t *testing.T, b *browser, s *scenario) {
	channel := func(path string) string { return nsqtest.Get(t, s.url("/api/topics/"+path)) }

	// Pause, by a dialog.
	b.do(chromedp.Navigate(s.url("/topics/orders/audit")), chromedp.Click(chromedp.CSS(`a[href*="/act/pause"]`)), chromedp.WaitVisible(chromedp.CSS(`dialog[open] button[type=submit]`)))
	b.accessible("pause dialog")
	b.is("the focus is on Cancel", `document.activeElement.textContent === "Cancel"`)
	b.do(chromedp.Click(chromedp.CSS(`dialog button[type=submit]`)))
	b.see("Paused orders / audit.")
	if !strings.Contains(channel("orders/audit"), `"paused":true`) {
		t.Error("the channel is not paused")
	}
	b.do(chromedp.Click(chromedp.CSS(`a[href*="/act/unpause"]`)), chromedp.WaitVisible(chromedp.CSS(`dialog[open]`)), chromedp.Click(chromedp.CSS(`dialog button[type=submit]`)))
	b.see("Unpaused orders / audit.")

	// Stop the redrive that runs, and begin another.
	b.do(chromedp.Navigate(s.url("/redrive?topic=payments&channel=ledger")), chromedp.Click(chromedp.CSS(`form[action$="/stop-redrive"] button`)))
	b.see("Stopped the redrive of payments / ledger.")
	b.do(chromedp.SendKeys(chromedp.CSS(`#to`), "audit-log"), chromedp.SendKeys(chromedp.CSS(`#rr`), "1000"), chromedp.SendKeys(chromedp.CSS(`#rl`), "5"), chromedp.Click(chromedp.CSS(`#redrive-form button`)))
	b.see("Redrive ledger to audit-log?")
	b.accessible("redrive question")
	b.do(chromedp.Click(chromedp.CSS(`#ask button[type=submit]`)))
	b.see("Began to redrive payments / ledger to audit-log.")
	b.do(until(`document.body.innerText.includes("Done")`))

	// Limit a channel: a dialog, and the question.
	b.do(chromedp.Navigate(s.url("/topics/payments/fraud-check")), chromedp.Click(chromedp.CSS(`a[href*="/limits?"]`)), chromedp.WaitVisible(chromedp.CSS(`dialog[open] #ld`)))
	b.is("the focus is on the first field", `document.activeElement.id === "la"`)
	b.accessible("limits dialog")
	b.shoot("dialog-limits")
	b.do(chromedp.SendKeys(chromedp.CSS(`#ld`), "1000000"), chromedp.SendKeys(chromedp.CSS(`#lb`), "2 GB"), chromedp.Click(chromedp.CSS(`dialog button[type=submit]`)))
	b.see("Set the limits of fraud-check of payments?")
	b.accessible("limits question")
	b.do(chromedp.Click(chromedp.CSS(`#ask button[type=submit]`)))
	b.see("Set the limits of payments / fraud-check: max_depth 1000000, max_bytes 2 GB.")
	b.see("1,000,000")
	b.shoot("channel-limited")

	// Empty needs the name; Cancel changes nothing.
	b.do(chromedp.Navigate(s.url("/topics/payments/ledger")), chromedp.Click(chromedp.CSS(`a[href*="/act/empty"]`)), chromedp.WaitVisible(chromedp.CSS(`dialog[open] #ty`)))
	b.is("the button is off", `document.querySelector("dialog button[type=submit]").getAttribute("aria-disabled") === "true"`)
	b.shoot("dialog-empty")
	b.do(chromedp.Click(chromedp.CSS(`dialog [data-cancel]`)), chromedp.WaitNotPresent(chromedp.CSS(`dialog`)))
	b.do(chromedp.Click(chromedp.CSS(`a[href*="/act/empty"]`)), chromedp.WaitVisible(chromedp.CSS(`dialog[open] #ty`)), chromedp.SendKeys(chromedp.CSS(`#ty`), "ledger"))
	b.is("the button is on", `document.querySelector("dialog button[type=submit]").getAttribute("aria-disabled") === "false"`)
	b.do(chromedp.SendKeys(chromedp.CSS(`#ty`), kb.Enter))
	b.see("Emptied payments / ledger.")

	// Publish, and find what was published.
	b.do(chromedp.Navigate(s.url("/publish?topic=payments")), chromedp.SendKeys(chromedp.CSS(`#pb`), `{"needle":[1,2]}`), chromedp.Click(chromedp.CSS(`main button.pri`)))
	b.see("Published to payments")
	found := `document.querySelector(".peek .k")?.textContent === "object" && document.body.innerText.includes("needle")`
	b.do(chromedp.Navigate(s.url("/messages?topic=payments&channel=ledger&q=needle")))
	if !value[bool](b, found) { // it went to the other node
		b.do(chromedp.Navigate(s.url("/messages?topic=payments&channel=ledger&q=needle&node=" + s.nsqds[0].HTTP)))
	}
	b.is("the message is found", found)
	value[any](b, `document.querySelector(".peek details").open = true`)
	b.shoot("messages-open")
	b.accessible("an open message")

	// Cancel a deferred message.
	b.do(chromedp.Navigate(s.url("/messages?topic=search-updates&channel=indexer&state=deferred")))
	b.is("three messages are deferred", `document.querySelectorAll(".peek > li").length === 3`)
	value[any](b, `document.querySelector(".peek details").open = true`)
	b.do(chromedp.Click(chromedp.CSS(`a[href*="/act/cancel"]`)), chromedp.WaitVisible(chromedp.CSS(`dialog[open] button.kill`)))
	b.accessible("cancel dialog")
	b.shoot("dialog-cancel")
	b.do(chromedp.Click(chromedp.CSS(`dialog button[type=submit]`)))
	b.see("Cancelled a message of search-updates / indexer")
	b.is("two are left", `document.querySelectorAll(".peek > li").length === 2`)

	// Delete a channel, then create it again.
	b.do(chromedp.Navigate(s.url("/topics/payments/ledger")), chromedp.Click(chromedp.CSS(`a[href*="/act/delete"]`)), chromedp.WaitVisible(chromedp.CSS(`dialog[open] #ty`)), chromedp.SendKeys(chromedp.CSS(`#ty`), "ledger"), chromedp.Click(chromedp.CSS(`dialog button[type=submit]`)))
	b.see("Deleted payments / ledger.")
	b.do(chromedp.Navigate(s.url("/lookup")), chromedp.SendKeys(chromedp.CSS(`#tn`), "payments"), chromedp.SendKeys(chromedp.CSS(`#cn`), "ledger-2"), chromedp.Click(chromedp.CSS(`#create-form button`)))
	b.see("Created payments / ledger-2.")
	channel("payments/ledger-2")

	// Tombstone.
	b.do(chromedp.Navigate(s.url("/topics/audit-log")), chromedp.Click(chromedp.CSS(`a[href*="/act/tombstone"]`)), chromedp.WaitVisible(chromedp.CSS(`dialog[open] #ty`)), chromedp.SendKeys(chromedp.CSS(`#ty`), "audit-log"), chromedp.Click(chromedp.CSS(`dialog button[type=submit]`)))
	b.see("Tombstoned audit-log on")

	// Several at once.
	b.do(chromedp.Navigate(s.url("/topics?q=search")), chromedp.Click(chromedp.CSS(`tbody input[name=topic]`)), chromedp.WaitVisible(chromedp.CSS(`button[formaction$="/act/pause"]`)), chromedp.Click(chromedp.CSS(`button[formaction$="/act/pause"]`)))
	b.see("Pause topic search-updates?")
	b.do(chromedp.Click(chromedp.CSS(`#ask button[type=submit]`)))
	b.see("Paused search-updates")
	b.do(chromedp.Navigate(s.url("/activity")))
	b.see("Tombstoned audit-log")
	b.calm("actions")
}

// live shows that pages update themselves, and leave alone what the visitor has done.
func live(t *testing.T, b *browser, s *scenario) {
	b.do(chromedp.Navigate(s.url("/topics?sort=name")), chromedp.WaitVisible(chromedp.CSS(`#t-payments`)))
	value[any](b, `window.here = true; document.querySelector("#t-payments input").click(); document.querySelector("#columns").open = true; document.querySelector("#filter").focus()`)
	b.do(chromedp.SendKeys(chromedp.CSS(`#filter`), "pay"))
	value[any](b, `window.before = document.querySelector("#t-payments td:nth-child(4)").textContent`)
	b.do(until(`document.querySelector("#t-payments td:nth-child(4)").textContent !== window.before`))
	b.is("the page was not loaded anew", `window.here === true`)
	b.is("the topic is still selected", `document.querySelector("#t-payments input").checked`)
	b.is("the list of columns is still open", `document.querySelector("#columns").open`)
	b.is("the field has its focus and text", `document.activeElement.id === "filter" && document.activeElement.value === "pay"`)

	// A frozen node is marked without a reload, and holds up no page.
	b.do(chromedp.Navigate(s.url("/topics/orders")))
	s.freeze(2)
	b.see("is silent for")
	if took := quickest(t, s.url("/topics/orders")); took > 500*time.Millisecond {
		t.Errorf("with a frozen node the topic's page takes %s", took)
	}
	s.thaw(2)

	// Paused means paused.
	value[any](b, `document.querySelector("input[value=paused]").click()`)
	b.do(chromedp.WaitNotPresent(chromedp.CSS(`#feed`)))
	b.is("paused is chosen", `document.querySelector("input[value=paused]").checked`)
	value[any](b, `document.querySelector("input[value=live]").click()`)
	b.do(until(`document.querySelector("#feed") != null`))
	b.calm("live")
}

// ready waits for a page and its script.
func ready(path string) step {
	return until(fmt.Sprintf(`location.pathname === %q && document.documentElement.classList.contains("js")`, path))
}

// keyboard finds and does things without a mouse.
func keyboard(_ *testing.T, b *browser, s *scenario) {
	b.do(chromedp.Navigate(s.url("/")), ready("/"), ctrl("k"), chromedp.WaitVisible(chromedp.CSS(`dialog.pal`)))
	b.do(chromedp.SendKeys(chromedp.CSS(`dialog.pal input`), "fulf"), until(`document.querySelector(".pal .op[aria-selected=true] .name")?.textContent === "orders / fulfilment"`))
	b.shoot("palette")
	b.accessible("palette")
	b.do(chromedp.KeyEvent(kb.Enter), ready("/topics/orders/fulfilment"))
	b.do(chromedp.KeyEvent("g"), chromedp.KeyEvent("n"), ready("/nodes"))
	b.do(chromedp.KeyEvent("?"), chromedp.WaitVisible(chromedp.CSS(`dialog[open] .dl`)))
	b.accessible("keys")
	b.do(chromedp.KeyEvent(kb.Escape), chromedp.WaitNotPresent(chromedp.CSS(`dialog`)))
	b.do(chromedp.KeyEvent("/"), ready("/topics"))
	value[any](b, `document.activeElement.blur()`) // the browser's protocol sends Enter twice, once to where the focus returns
	b.do(ctrl("k"), chromedp.WaitVisible(chromedp.CSS(`dialog.pal`)), chromedp.SendKeys(chromedp.CSS(`dialog.pal input`), ">empty ledger"))
	b.do(until(`document.querySelector(".pal .op[aria-selected=true] .name")?.textContent === "Empty payments / ledger…"`))
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS(`dialog[open] #ty`)))
	b.see("Empty channel ledger of payments?")
	b.do(chromedp.KeyEvent(kb.Escape), chromedp.WaitNotPresent(chromedp.CSS(`dialog`)), ctrl("k"), chromedp.WaitVisible(chromedp.CSS(`dialog.pal`)), chromedp.SendKeys(chromedp.CSS(`dialog.pal input`), ">limits ledger"))
	b.do(until(`document.querySelector(".pal .op[aria-selected=true] .name")?.textContent === "Set limits of payments / ledger…"`))
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS(`dialog[open] #ld`)))
	b.do(chromedp.KeyEvent(kb.Escape), chromedp.WaitNotPresent(chromedp.CSS(`dialog`)), ctrl("k"), chromedp.WaitVisible(chromedp.CSS(`dialog.pal`)), chromedp.SendKeys(chromedp.CSS(`dialog.pal input`), ">redrive ledger"))
	b.do(until(`document.querySelector(".pal .op[aria-selected=true] .name")?.textContent === "Redrive payments / ledger…"`))
	b.do(chromedp.KeyEvent(kb.Enter), ready("/redrive"))
	b.calm("keyboard")
}

// quickest returns how long a page takes, other work on the machine aside.
func quickest(t *testing.T, url string) time.Duration {
	t.Helper()
	best := time.Hour
	for range 5 {
		start := time.Now()
		nsqtest.Get(t, url)
		best = min(best, time.Since(start))
	}
	return best
}

// crowd shows that a node with 414 topics is no burden.
func crowd(t *testing.T, b *browser, s *scenario) {
	s.manyTopics(414)
	nsqtest.Eventually(t, patience, "the topics are there", func() bool {
		return strings.Contains(nsqtest.Get(t, s.url("/topics?q=tenant-0414")), "t-tenant-0414")
	})
	for _, path := range []string{"/nodes/" + s.nsqds[0].HTTP, "/topics", "/"} {
		if took := quickest(t, s.url(path)); took > 300*time.Millisecond {
			t.Errorf("with 414 topics %s takes %s", path, took)
		}
	}
	b.do(chromedp.Navigate(s.url("/topics?page=2&sort=name")))
	b.see(fmt.Sprintf("Page %d of", 2))
	b.calm("many topics")
}
