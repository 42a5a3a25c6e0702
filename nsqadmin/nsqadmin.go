package nsqadmin

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"

	"nsqsuite/internal/cluster"
	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/metrics"
	"nsqsuite/internal/version"
	"nsqsuite/nsqadmin/ui"
)

// NSQAdmin is the daemon.
type NSQAdmin struct {
	options  *Options
	settings *settings
	log      *logging.Logger
	cluster  *cluster.Cluster

	listener net.Listener
	http     *httpapi.Server
}

// New checks the options and listens. The error is what the log's FATAL line shall say.
func New(o *Options, log *logging.Logger) (*NSQAdmin, error) {
	a := &NSQAdmin{options: o, log: log}
	var err error
	if a.settings, err = o.check(); err != nil {
		return nil, fmt.Errorf("failed to instantiate nsqadmin - %w", err)
	}
	log.Infof("%s", version.String("nsqadmin"))
	a.cluster = cluster.New(cluster.Config{
		Lookupds:       o.LookupdHTTPAddresses,
		Nsqds:          o.NsqdHTTPAddresses,
		ConnectTimeout: o.ConnectTimeout,
		RequestTimeout: o.RequestTimeout,
		TLS:            a.settings.tls,
	}, log)
	if a.listener, err = net.Listen("tcp", o.HTTPAddress); err != nil {
		return nil, fmt.Errorf("failed to instantiate nsqadmin - listen (%s) failed - %w", o.HTTPAddress, err)
	}
	a.http = httpapi.NewServer("HTTP", a.listener, a.handler(), log)
	return a, nil
}

// handler serves everything below the base path.
func (a *NSQAdmin) handler() http.Handler {
	r := httpapi.NewRouter(a.log)
	a.api(r)
	r.Health(a.settings.basePath, func() []httpapi.Check { return []httpapi.Check{} }) // who answers listens; the cluster's health is not ours
	metrics.New("nsqadmin").Serve(r, a.settings.basePath, a.log)
	ui.New(ui.Config{
		BasePath:  a.settings.basePath,
		StaticDir: a.options.DevStaticDir,
		Version:   version.Number,
		User:      a.user,
	}, a.cluster, a.log).Routes(r)
	return r
}

// user returns who a request says it comes from, and whether that is an admin (nsqadmin.md 9).
func (a *NSQAdmin) user(r *http.Request) (name string, admin bool) {
	name = r.Header.Get(a.options.ACLHTTPHeader)
	if len(a.options.AdminUsers) == 0 {
		return name, true
	}
	for _, u := range a.options.AdminUsers {
		if u == name {
			return name, true
		}
	}
	return name, false
}

// HTTPAddr returns the address of the API and the pages.
func (a *NSQAdmin) HTTPAddr() net.Addr { return a.listener.Addr() }

// Run serves until ctx ends. The error is what ended it otherwise.
func (a *NSQAdmin) Run(ctx context.Context) error {
	var busy sync.WaitGroup
	ended := make(chan error, 1)
	busy.Go(func() { ended <- a.http.Serve() })
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	a.http.Close()
	busy.Wait()
	return err
}
