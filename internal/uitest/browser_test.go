package uitest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// stepTime is how long one step in the browser may take.
const stepTime = 30 * time.Second

// axeFile is the checker of accessibility, which npm ci puts there.
const axeFile = "../../nsqadmin/ui/web/node_modules/axe-core/axe.min.js"

// chromium returns the browser's path; the test is skipped without one.
func chromium(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes")
	}
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	t.Skip("no browser: install chromium, or name one in the environment variable CHROMIUM")
	return ""
}

// scripted skips a test if the script has not been built.
func scripted(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("../../nsqadmin/ui/web/dist/nsqadmin.js"); err != nil {
		t.Skip("the script has not been built: install Node and run make build")
	}
}

// browser is a tab, and what has gone wrong in it.
type browser struct {
	t        *testing.T
	ctx      context.Context
	mu       sync.Mutex
	problems []string
}

// open starts a browser of its own.
func open(t *testing.T) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true))
	allocated, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // the browser lives as long as the first call's context
		t.Fatal(err)
	}
	b := &browser{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	call(b, log.Enable, cdp.Empty{})
	return b
}

// hear notes what has gone wrong.
func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		problem := e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			problem += " " + thrown.Description
		}
		b.problems = append(b.problems, problem)
	case *log.EventEntryAdded:
		refused := strings.Contains(e.Entry.URL, "/topics/ordres") || strings.Contains(e.Entry.URL, "to=a+b") // as they should
		if e.Entry.Level == log.EntryLevelError && !refused {
			b.problems = append(b.problems, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

// step is something done in the browser.
type step = chromedp.Action[chromedp.Void]

// do does steps; the test fails if they fail.
func (b *browser) do(steps ...step) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTime)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.fatal(err)
	}
}

// fatal ends the test and says where it was.
func (b *browser) fatal(err error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTime)
	defer cancel()
	at, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`)) // only for the message
	b.t.Fatalf("%v, at %.1500s", err, at)
}

// value returns what an expression, or its promise, comes to.
func value[T any](b *browser, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTime)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.fatal(err)
	}
	return v
}

// call sends a command of the browser's own protocol.
func call[P, R any](b *browser, c cdp.Command[P, R], params P) (result R) {
	b.t.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		result, err = cdp.Call(ctx, t, c, params)
		return none, err
	})
	return result
}

// pollTime is how often the browser is asked whether something has come about.
const pollTime = 50 * time.Millisecond

// until waits until an expression, or its promise, is true. The page may change meanwhile.
func until(expression string) step {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		poll := time.NewTicker(pollTime)
		defer poll.Stop()
		for {
			holds, err := chromedp.Evaluate[bool](expression, chromedp.EvalAwaitPromise)(ctx, t)
			if err == nil && holds {
				return none, nil
			}
			select {
			case <-poll.C:
			case <-ctx.Done():
				return none, fmt.Errorf("waiting for %s: %w", expression, errors.Join(ctx.Err(), err))
			}
		}
	}
}

// see waits until a text is on the page.
func (b *browser) see(text string) {
	b.t.Helper()
	b.do(until(fmt.Sprintf(`document.body.innerText.includes(%q)`, text)))
}

// is fails the test unless the expression is true.
func (b *browser) is(what, expression string) {
	b.t.Helper()
	if !value[bool](b, expression) {
		b.t.Errorf("it does not hold that %s", what)
	}
}

// look makes the window as large, and as light, as one of the ways to look at a page.
func (b *browser) look(way look) {
	b.t.Helper()
	theme := "light"
	if way.dark {
		theme = "dark"
	}
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: way.width, Height: way.height, DeviceScaleFactor: 1, Mobile: way.width < 500})
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

type look struct {
	name          string
	width, height int64
	dark          bool
}

var looks = []look{
	{"desktop-light", 1400, 900, false}, {"desktop-dark", 1400, 900, true},
	{"phone-light", 390, 844, false}, {"phone-dark", 390, 844, true},
}

// shoot keeps a picture of the whole page.
func (b *browser) shoot(name string) {
	b.t.Helper()
	beyond := true
	shot := call(b, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond})
	if err := os.WriteFile(filepath.Join(pictures(b.t), name+".png"), shot.Data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// accessible fails the test for what axe finds; in the dark it looks at colours only.
func (b *browser) accessible(where string, dark ...bool) {
	b.t.Helper()
	rules := `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`
	if len(dark) > 0 && dark[0] {
		rules = `{type: "rule", values: ["color-contrast"]}`
	}
	source, err := os.ReadFile(axeFile)
	if err != nil {
		b.t.Log("axe-core is not there, so accessibility is not checked: run make build with Node")
		return
	}
	value[int](b, string(source)+";0")
	violations := value[[]string](b, `axe.run(document, {runOnly: `+rules+`}).then(r =>
		r.violations.map(v => v.id + ": " + v.help + "; " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")).join(" | ")))`)
	for _, v := range violations {
		b.t.Errorf("%s: %s", where, v)
	}
}

// calm fails the test for what has gone wrong in the browser.
func (b *browser) calm(where string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.t.Errorf("%s: the browser says %s", where, p)
	}
	b.problems = nil
}
