package nsqadmin

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"nsqsuite/internal/cli"
	"nsqsuite/internal/cluster"
	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/metrics"
	"nsqsuite/internal/version"
	"nsqsuite/nsqadmin/actions"
	"nsqsuite/nsqadmin/collector"
	"nsqsuite/nsqadmin/login"
	"nsqsuite/nsqadmin/ui"
)

// NSQAdmin is the daemon.
type NSQAdmin struct {
	options   *Options
	settings  *settings
	log       *logging.Logger
	cluster   *cluster.Cluster
	access    *access
	actor     *actions.Actor
	graphite  *http.Client
	collector *collector.Collector

	listener net.Listener
	http     *httpapi.Server
}

// New checks the options and listens. The error is what the log's FATAL line shall say.
func New(o *Options, log *logging.Logger) (*NSQAdmin, error) {
	a := &NSQAdmin{options: o, log: log}
	var err error
	if a.settings, err = o.check(log); err != nil {
		return nil, fmt.Errorf("failed to instantiate nsqadmin - %w", err)
	}
	log.Infof("%s", version.String("nsqadmin"))
	a.cluster = cluster.New(cluster.Config{
		Lookupds:       o.LookupdHTTPAddresses,
		Nsqds:          o.NsqdHTTPAddresses,
		ConnectTimeout: o.ConnectTimeout,
		RequestTimeout: o.RequestTimeout,
		TLS:            a.settings.tls.Newest,
		Token:          a.settings.token,
	}, log)
	a.access = &access{
		header: o.ACLHTTPHeader, admins: o.AdminUsers, users: a.settings.users,
		sessions: login.NewSessions(a.settings.basePath), basePath: a.settings.basePath,
	}
	a.actor = actions.New(a.cluster, a.notifyConfig(), log)
	a.collector = collector.New(a.cluster.Quietly(log), log)
	a.graphite = &http.Client{Transport: a.graphiteTransport()}
	if a.listener, err = net.Listen("tcp", o.HTTPAddress); err != nil {
		return nil, fmt.Errorf("failed to instantiate nsqadmin - listen (%s) failed - %w", o.HTTPAddress, err)
	}
	a.http = httpapi.NewServer("HTTP", a.listener, a.handler(), log)
	return a, nil
}

// handler serves everything below the base path. Browsers' requests that change
// something must come from our own pages.
func (a *NSQAdmin) handler() http.Handler {
	r := httpapi.NewRouter(a.log)
	a.api(r)
	a.writeAPI(r)
	a.graphiteAPI(r)
	r.Health(a.settings.basePath, func() []httpapi.Check { return []httpapi.Check{} }) // who answers listens; the cluster's health is not ours
	metrics.New("nsqadmin").Serve(r, a.settings.basePath, a.log)
	ui.New(a.uiConfig(), a.cluster, a.collector, a.actor, a.log).Routes(r)
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(httpapi.Refused(http.StatusForbidden, "FORBIDDEN_CROSS_ORIGIN"))
	return httpapi.Compress(origins.Handler(a.access.guard(r)))
}

func (a *NSQAdmin) uiConfig() ui.Config {
	c := ui.Config{
		BasePath: a.settings.basePath, StaticDir: a.options.DevStaticDir, Version: version.Number, Started: time.Now(),
		Messages: !a.options.MessagesOff, Cluster: a.options.ClusterName, Color: a.options.ClusterColor,
		Who: func(r *http.Request) ui.Visitor {
			v := a.access.who(r)
			return ui.Visitor{Name: v.Name, Admin: v.Admin, LoggedIn: v.LoggedIn}
		},
		By: func(r *http.Request) actions.By { return a.access.who(r).by(r) },
	}
	for _, s := range cli.Settings(a.options) {
		if s.Flag == "user" && s.Value != "" {
			s.Value = "…"
		}
		c.Options = append(c.Options, ui.Option{Flag: s.Flag, Value: withoutPassword(s.Value), Usage: s.Usage})
	}
	if a.access.users != nil {
		c.Login = &ui.Login{In: a.logIn, Out: a.access.sessions.End}
	}
	if a.options.GraphiteURL != "" {
		c.Graphite = &ui.Graphite{
			URL: a.options.GraphiteURL, Proxy: a.settings.basePath + "/render", Prefix: a.options.StatsdPrefix,
			CounterFormat: a.options.StatsdCounterFormat, GaugeFormat: a.options.StatsdGaugeFormat, Interval: a.options.StatsdInterval,
		}
		if a.options.ProxyGraphite {
			c.Graphite.URL = ""
		}
	}
	return c
}

// logIn begins a session if the password is right.
func (a *NSQAdmin) logIn(w http.ResponseWriter, r *http.Request, name, password string) bool {
	u, ok := a.access.users.Check(name, password)
	if ok {
		a.access.sessions.Begin(w, r, u)
	}
	return ok
}

// withoutPassword hides the password of a URL.
func withoutPassword(value string) string {
	if u, err := url.Parse(value); err == nil && u.User != nil {
		return u.Redacted()
	}
	return value
}

func (a *NSQAdmin) notifyConfig() actions.NotifyConfig {
	via, err := os.Hostname()
	if err != nil {
		a.log.Warnf("notifications will not name this host - %s", err)
	}
	return actions.NotifyConfig{
		Endpoint: a.options.NotificationHTTPEndpoint, Via: via,
		ConnectTimeout: a.options.ConnectTimeout, RequestTimeout: a.options.RequestTimeout,
	}
}

// HTTPAddr returns the address of the API and the pages.
func (a *NSQAdmin) HTTPAddr() net.Addr { return a.listener.Addr() }

// Run serves until ctx ends. The error is what ended it otherwise.
func (a *NSQAdmin) Run(ctx context.Context) error {
	var busy sync.WaitGroup
	ended := make(chan error, 1)
	busy.Go(func() { ended <- a.http.Serve() })
	working, stop := context.WithCancel(ctx)
	busy.Go(func() { a.actor.Run(working) })
	busy.Go(func() { a.collector.Run(working) })
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	stop()
	a.http.Close()
	busy.Wait()
	return err
}
