package ui

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"os"
	"path"
	"time"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/cluster"
	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/logging"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed nsqadmin.css
var staticFiles embed.FS

// contentSecurity forbids everything that the pages do not need: script,
// frames, and anything from elsewhere.
const contentSecurity = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Config is what the pages need to know of the daemon.
type Config struct {
	BasePath  string // of all URLs, without a slash at the end; "" for the root
	StaticDir string // where static files are read from; "" for the built-in ones
	Version   string
	// User returns who a request comes from, "" if it does not say, and whether
	// that is an admin.
	User func(*http.Request) (name string, admin bool)
}

// UI serves the pages. It is safe for concurrent use.
type UI struct {
	config  Config
	cluster *cluster.Cluster
	log     *logging.Logger
	pages   map[string]*template.Template
	static  fs.FS
}

// New returns a UI. It panics if a page in the program is broken.
func New(config Config, c *cluster.Cluster, log *logging.Logger) *UI {
	u := &UI{config: config, cluster: c, log: log, pages: map[string]*template.Template{}, static: staticFiles}
	if config.StaticDir != "" {
		u.static = os.DirFS(config.StaticDir)
	}
	frame := template.Must(template.New("frame.html").Funcs(u.functions()).ParseFS(pageFiles, "pages/frame.html", "pages/parts.html"))
	for _, name := range []string{"overview", "topics", "topic", "channel", "nodes", "node", "lookup", "counter", "problem"} {
		u.pages[name] = template.Must(template.Must(frame.Clone()).ParseFS(pageFiles, "pages/"+name+".html"))
	}
	return u
}

// view is a page with its data.
type view struct {
	page  string // its file
	title string
	data  any
	// warnings is what the data lacks.
	warnings cluster.Warnings
}

// pageFunc gets a page's data from the cluster.
type pageFunc func(ctx context.Context, p httprouter.Params) (view, error)

// Routes adds the pages and static files (nsqadmin.md 3.3).
func (u *UI) Routes(r *httpapi.Router) {
	base := u.config.BasePath
	index := base
	if index == "" {
		index = "/"
	}
	for route, get := range map[string]pageFunc{
		index:                            u.overview,
		base + "/topics":                 u.topics,
		base + "/topics/:topic":          u.topic,
		base + "/topics/:topic/:channel": u.channel,
		base + "/nodes":                  u.nodes,
		base + "/nodes/:node":            u.node,
		base + "/lookup":                 u.lookup,
		base + "/counter":                u.counter,
	} {
		r.Page(http.MethodGet, route, u.page(get))
	}
	r.Page(http.MethodGet, base+"/static/:asset", u.asset)
	r.Page(http.MethodGet, base+"/fonts/:asset", u.asset)
}

// frame is what the frame around each page shows.
type frame struct {
	Title    string
	Page     string
	Version  string
	User     string
	Admin    bool
	At       time.Time
	Warnings cluster.Warnings
	Data     any
}

func (u *UI) page(get pageFunc) func(http.ResponseWriter, *http.Request, httprouter.Params) int {
	return func(w http.ResponseWriter, r *http.Request, p httprouter.Params) int {
		status := http.StatusOK
		v, err := get(r.Context(), p)
		if err != nil {
			status, v = u.problem(err)
		}
		f := frame{Title: v.title, Page: v.page, Version: u.config.Version, At: time.Now().UTC(), Warnings: v.warnings, Data: v.data}
		f.User, f.Admin = u.config.User(r)
		var body bytes.Buffer
		if err := u.pages[v.page].Execute(&body, f); err != nil {
			u.log.Errorf("drawing %s: %s", r.URL.Path, err)
			http.Error(w, "INTERNAL_ERROR", http.StatusInternalServerError)
			return http.StatusInternalServerError
		}
		header := w.Header()
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Security-Policy", contentSecurity)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		w.Write(body.Bytes()) //nolint:errcheck // the client is gone: nobody to tell
		return status
	}
}

// problem returns the page that says why another cannot be shown.
func (u *UI) problem(err error) (status int, v view) {
	data := struct {
		What, Why string
		Missing   bool
	}{Why: err.Error()}
	status = http.StatusBadGateway
	var unreachable *cluster.UnreachableError
	var answer *cluster.StatusError
	switch {
	case errors.As(err, &answer) && answer.Code == http.StatusNotFound:
		status, data.Missing, data.What = http.StatusNotFound, true, "No nsqlookupd knows this topic."
	case errors.Is(err, cluster.ErrNoChannel):
		status, data.Missing, data.What = http.StatusNotFound, true, "No node has this channel."
	case errors.Is(err, cluster.ErrNoNode):
		status, data.Missing, data.What = http.StatusNotFound, true, "No node has this address."
	case errors.As(err, &unreachable):
		data.What = "No " + unreachable.Who + " gave an answer."
		if unreachable.Err != nil {
			data.Why = unreachable.Err.Error()
		} else {
			data.Why = "There is none to ask."
		}
	default:
		status, data.What = http.StatusInternalServerError, "This page could not be made."
	}
	if !data.Missing {
		u.log.Errorf("%s", err)
	}
	return status, view{page: "problem", title: data.What, data: data}
}

// asset serves a static file of the one flat folder.
func (u *UI) asset(w http.ResponseWriter, r *http.Request, p httprouter.Params) int {
	body, err := fs.ReadFile(u.static, path.Base(p.ByName("asset")))
	if err != nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		w.Write([]byte("NOT_FOUND")) //nolint:errcheck // the client is gone: nobody to tell
		return http.StatusNotFound
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "public, max-age=300")
	http.ServeContent(w, r, p.ByName("asset"), time.Time{}, bytes.NewReader(body))
	return http.StatusOK
}
