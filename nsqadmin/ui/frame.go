package ui

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/nsqadmin/collector"
)

// contentSecurity forbids everything that the pages do not need: script and
// styles within them, frames, and anything from elsewhere.
const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; img-src 'self'"

// frame is what the frame around each page shows.
type frame struct {
	Title    string
	Page     string
	Version  string
	Up       int64 // ns
	Visitor  Visitor
	Prefs    prefs
	Scripted bool
	Here     string // path and query of the page
	Snapshot *collector.Snapshot
	Age      int64 // ns, of the snapshot
	Urgent   int   // entries under “Act now”
	Deaf     bool  // no nsqlookupd answers
	Problems []string
	Done     *done // the action that has led here
	Span     string
	Data     any
}

// page returns a handler that draws what get returns.
func (u *UI) page(get pageFunc) func(http.ResponseWriter, *http.Request, httprouter.Params) int {
	return func(w http.ResponseWriter, r *http.Request, p httprouter.Params) int {
		visit := u.visit(r, p)
		v := get(visit)
		if v.status == http.StatusNotFound && time.Since(visit.snapshot.At) > freshFor { // it may have come a moment ago
			u.refresh(r.Context())
			visit = u.visit(r, p)
			v = get(visit)
		}
		return u.draw(w, visit, v)
	}
}

// refresh has everybody asked now, for what has just been done, or is looked for in vain.
func (u *UI) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, refreshWait)
	defer cancel()
	u.collector.Refresh(ctx)
}

func (u *UI) draw(w http.ResponseWriter, r *request, v view) int {
	s := r.snapshot
	f := frame{
		Title: v.title, Page: v.page, Version: u.config.Version, Up: int64(time.Since(u.config.Started)),
		Visitor: r.visitor, Prefs: r.prefs, Scripted: u.scripted, Here: r.URL.RequestURI(),
		Snapshot: s, Age: int64(time.Since(s.At)), Problems: v.problems, Done: u.doneBy(r), Span: spanOf(r).word, Data: v.data,
	}
	for i := range s.Attention {
		if s.Attention[i].Urgent() {
			f.Urgent++
		}
	}
	f.Deaf = len(s.Lookupds) > 0
	for _, l := range s.Lookupds {
		f.Deaf = f.Deaf && l.Err != nil
	}
	var body bytes.Buffer
	if err := u.pages[v.page].Execute(&body, f); err != nil {
		u.log.Errorf("drawing %s: %s", r.URL.Path, err)
		http.Error(w, "INTERNAL_ERROR", http.StatusInternalServerError)
		return http.StatusInternalServerError
	}
	u.headers(w)
	status := v.status
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	w.Write(body.Bytes()) //nolint:errcheck // the client is gone: nobody to tell
	return status
}

// headers sets those that all pages have.
func (u *UI) headers(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", u.security())
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
}

// security returns the policy; a Graphite elsewhere may be looked at.
func (u *UI) security() string {
	if g := u.config.Graphite; g != nil && g.Origin() != "" {
		return contentSecurity + " " + g.Origin()
	}
	return contentSecurity
}

// missing is the page for what is not there.
func missing(what, near, nearLink string) view {
	return view{page: "problem", title: "Not found", status: http.StatusNotFound, data: struct{ What, Near, NearLink string }{what, near, nearLink}}
}
