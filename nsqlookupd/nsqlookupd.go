package nsqlookupd

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"sync"

	"nsqsuite/internal/access"
	"nsqsuite/internal/certs"
	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/tcpserve"
	"nsqsuite/internal/version"
	"nsqsuite/nsqlookupd/registry"
	"nsqsuite/protocol"
)

// NSQLookupd is the daemon.
type NSQLookupd struct {
	options  *Options
	log      *logging.Logger
	registry *registry.Registry
	figures  *figures

	tls   *tls.Config   // nil if there is no certificate
	guard *access.Guard // nil if everybody may use the HTTP API

	tcpListener   net.Listener
	httpListener  net.Listener
	httpsListener net.Listener // nil if there is none
	tcp           *tcpserve.Server
	web           []*httpapi.Server
}

// New listens. The error is what the log's FATAL line shall say.
func New(o *Options, log *logging.Logger) (*NSQLookupd, error) {
	l := &NSQLookupd{options: o, log: log}
	l.registry = registry.New(registry.Config{InactiveTimeout: o.InactiveProducerTimeout, TombstoneLifetime: o.TombstoneLifetime})
	l.figures = newFigures(l.registry)
	log.Infof("%s", version.String("nsqlookupd"))
	if err := l.secure(); err != nil {
		return nil, fmt.Errorf("failed to instantiate nsqlookupd - %w", err)
	}
	if err := l.listen(); err != nil {
		l.release()
		return nil, fmt.Errorf("failed to instantiate nsqlookupd - %w", err)
	}
	l.tcp = tcpserve.New(l.tcpListener, log, l.open)
	l.web = httpapi.Servers(httpapi.Serving{
		Plain:       l.httpListener,
		Secure:      l.httpsListener,
		TLS:         l.tls,
		TLSDemanded: o.TLSRequired == certs.Everywhere,
		Handler:     l.guard.Wrap(l.api()),
		Log:         log,
	})
	return l, nil
}

// secure makes of the options what is shown to clients, and asked of them.
func (l *NSQLookupd) secure() (err error) {
	o := l.options
	if o.HTTPAccessFile != "" {
		if l.guard, err = access.Load(o.HTTPAccessFile, l.log); err != nil {
			return fmt.Errorf("--http-access-file: %w", err)
		}
	}
	l.tls, err = certs.Server(certs.Files{
		Cert:         o.TLSCert,
		Key:          o.TLSKey,
		RootCA:       o.TLSRootCAFile,
		ClientPolicy: certs.Policy(o.TLSClientAuthPolicy),
		MinVersion:   o.TLSMinVersion,
	}, &o.TLSRequired, l.log)
	return err
}

func (l *NSQLookupd) listen() (err error) {
	open := func(address string) (ln net.Listener) {
		if err == nil {
			if ln, err = net.Listen("tcp", address); err != nil {
				err = fmt.Errorf("listen (%s) failed - %w", address, err)
			}
		}
		return ln
	}
	l.tcpListener = open(l.options.TCPAddress)
	l.httpListener = open(l.options.HTTPAddress)
	if l.tls != nil && l.options.HTTPSAddress != "" {
		l.httpsListener = open(l.options.HTTPSAddress)
	}
	return err
}

// release gives up the listeners.
func (l *NSQLookupd) release() {
	for _, ln := range []net.Listener{l.tcpListener, l.httpListener, l.httpsListener} {
		if ln != nil {
			ln.Close()
		}
	}
}

// Run serves until ctx ends. The error is what ended it otherwise.
func (l *NSQLookupd) Run(ctx context.Context) error {
	var busy sync.WaitGroup
	ended := make(chan error, 3)
	busy.Go(func() { ended <- l.serveTCP() })
	for _, server := range l.web {
		busy.Go(func() { ended <- server.Serve() })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	l.tcp.Close()
	for _, server := range l.web {
		server.Close()
	}
	busy.Wait()
	return err
}

func (l *NSQLookupd) serveTCP() error {
	l.log.Infof("TCP: listening on %s", l.TCPAddr())
	err := l.tcp.Serve()
	l.log.Infof("TCP: closing %s", l.TCPAddr())
	return err
}

// TCPAddr returns the address that nsqd can connect to.
func (l *NSQLookupd) TCPAddr() net.Addr { return l.tcpListener.Addr() }

// HTTPAddr returns the address of the HTTP API.
func (l *NSQLookupd) HTTPAddr() net.Addr { return l.httpListener.Addr() }

// self is what an nsqd is told of this nsqlookupd.
func (l *NSQLookupd) self() protocol.RegistryInfo {
	host, err := os.Hostname()
	if err != nil {
		l.log.Errorf("failed to get hostname - %s", err)
	}
	info := protocol.RegistryInfo{
		BroadcastAddress: l.options.BroadcastAddress,
		Hostname:         host,
		HTTPPort:         l.httpListener.Addr().(*net.TCPAddr).Port,
		TCPPort:          l.tcpListener.Addr().(*net.TCPAddr).Port,
		Version:          version.Number,
	}
	if l.httpsListener != nil {
		info.HTTPSPort = l.httpsListener.Addr().(*net.TCPAddr).Port
	}
	return info
}
