package ui

import (
	"context"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/cluster"
	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/logging"
	"nsqsuite/nsqadmin/actions"
	"nsqsuite/nsqadmin/collector"
)

//go:embed pages/*.html
var pageFiles embed.FS

// firstWait is how long a page waits for the first snapshot; refreshWait how
// long for the one behind an action, or for what is not in one that is older than
// freshFor.
const (
	firstWait   = time.Second
	refreshWait = time.Second
	freshFor    = 200 * time.Millisecond
)

// Config is what the pages need to know of the daemon.
type Config struct {
	BasePath  string // of all URLs, without a slash at the end; "" for the root
	StaticDir string // where static files are read from; "" for the built-in ones
	Version   string
	Started   time.Time
	Cluster   string // its name, shown everywhere; may be ""
	Color     string // of the name, one of Colors
	Messages  bool   // admins may look at them and publish
	// Who returns who a request comes from.
	Who func(*http.Request) Visitor
	// By returns the same for the record of an action.
	By func(*http.Request) actions.By
	// Options are shown on the page Settings, without secrets.
	Options []Option
	// Login is nsqadmin's own; nil if there is none.
	Login *Login
	// Graphite makes the links to its graphs; nil if there is no Graphite.
	Graphite *Graphite
}

// Colors are those that the cluster's name may have.
var Colors = []string{"grey", "red", "amber", "green", "blue", "violet"}

// Visitor is who looks at a page.
type Visitor struct {
	Name  string // "" if the request does not say
	Admin bool
	// LoggedIn tells that nsqadmin's own login says so, so that it can be ended.
	LoggedIn bool
}

// Option is an option of the daemon.
type Option struct{ Flag, Value, Usage string }

// UI serves the pages. It is safe for concurrent use.
type UI struct {
	config    Config
	cluster   *cluster.Cluster
	collector *collector.Collector
	actor     *actions.Actor
	log       *logging.Logger
	pages     map[string]*template.Template
	login     *template.Template
	static    fs.FS
	scripted  bool // the script has been built
}

// Names of the pages' files.
var pageNames = []string{
	"overview", "topics", "topic", "channel", "nodes", "node", "lookup", "counter",
	"activity", "settings", "confirm", "publish", "messages", "redrive", "limits", "problem",
}

// New returns a UI. It panics if a page in the program is broken.
func New(config Config, c *cluster.Cluster, watcher *collector.Collector, actor *actions.Actor, log *logging.Logger) *UI {
	u := &UI{config: config, cluster: c, collector: watcher, actor: actor, log: log, pages: map[string]*template.Template{}}
	u.static = builtIn()
	if config.StaticDir != "" {
		u.static = os.DirFS(config.StaticDir)
	}
	_, err := fs.Stat(u.static, scriptFile)
	u.scripted = err == nil
	if !u.scripted {
		log.Infof("UI: %s is missing: pages work, but do not update themselves (install Node and run make build)", scriptFile)
	}
	frame := template.Must(template.New("frame.html").Funcs(u.functions()).ParseFS(pageFiles, "pages/frame.html", "pages/icons.html", "pages/parts.html", "pages/tables.html"))
	for _, name := range pageNames {
		u.pages[name] = template.Must(template.Must(frame.Clone()).ParseFS(pageFiles, "pages/"+name+".html"))
	}
	u.login = template.Must(template.New("login.html").Funcs(u.functions()).ParseFS(pageFiles, "pages/login.html", "pages/icons.html"))
	return u
}

// request is one visit of a page.
type request struct {
	*http.Request
	params   httprouter.Params
	snapshot *collector.Snapshot
	visitor  Visitor
	prefs    prefs
}

// view is a page with its data.
type view struct {
	page     string // its file
	title    string
	data     any
	status   int      // 0 is 200
	problems []string // what the data lacks
}

// pageFunc gets a page's data.
type pageFunc func(r *request) view

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
		base + "/activity":               u.activity,
		base + "/settings":               u.settings,
		base + "/act/:verb":              u.confirm,
		base + "/publish":                u.publishForm,
		base + "/messages":               u.messages,
		base + "/redrive":                u.redrive,
		base + "/limits":                 u.limits,
	} {
		r.Page(http.MethodGet, route, u.page(get))
	}
	r.Page(http.MethodPost, base+"/act/:verb", u.act)
	r.Page(http.MethodPost, base+"/settings", u.setPrefs)
	r.Page(http.MethodPost, base+"/publish", u.publish)
	if u.config.Login != nil {
		r.Page(http.MethodGet, base+"/login", u.loginForm)
		r.Page(http.MethodPost, base+"/login", u.logIn)
		r.Page(http.MethodPost, base+"/logout", u.logOut)
	}
	r.Page(http.MethodGet, base+"/messages/body", u.messageBody)
	r.Page(http.MethodGet, base+"/static/:asset", u.asset)
	r.Page(http.MethodGet, base+"/fonts/:asset", u.asset)
	r.Page(http.MethodGet, base+"/export/topics.csv", u.exportTopics)
	r.V1(http.MethodGet, base+"/api/v2/topics", u.apiTopics)
	r.V1(http.MethodGet, base+"/api/v2/attention", u.apiAttention)
	r.V1(http.MethodGet, base+"/api/v2/search", u.apiSearch)
	r.V1(http.MethodGet, base+"/api/v2/redrive/:topic/:channel", u.apiRedriven)
	r.V1(http.MethodPost, base+"/api/v2/redrive/:topic/:channel", u.apiStartRedrive)
	r.V1(http.MethodDelete, base+"/api/v2/redrive/:topic/:channel", u.apiStopRedrive)
	r.Page(http.MethodGet, base+"/api/v2/live", u.live)
}

// visit begins a request for a page.
func (u *UI) visit(r *http.Request, p httprouter.Params) *request {
	ctx, cancel := context.WithTimeout(r.Context(), firstWait)
	defer cancel()
	return &request{Request: r, params: p, snapshot: u.collector.Latest(ctx), visitor: u.config.Who(r), prefs: prefsOf(r)}
}
