package nsqlookupd

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"

	"nsqsuite/internal/access"
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

	tcpListener  net.Listener
	httpListener net.Listener
	tcp          *tcpserve.Server
	http         *httpapi.Server
}

// New listens. The error is what the log's FATAL line shall say.
func New(o *Options, log *logging.Logger) (*NSQLookupd, error) {
	l := &NSQLookupd{options: o, log: log}
	l.registry = registry.New(registry.Config{InactiveTimeout: o.InactiveProducerTimeout, TombstoneLifetime: o.TombstoneLifetime})
	l.figures = newFigures(l.registry)
	log.Infof("%s", version.String("nsqlookupd"))
	var err error
	var guard *access.Guard
	if o.HTTPAccessFile != "" {
		if guard, err = access.Load(o.HTTPAccessFile, log); err != nil {
			return nil, fmt.Errorf("failed to instantiate nsqlookupd - --http-access-file: %w", err)
		}
	}
	if l.tcpListener, err = net.Listen("tcp", o.TCPAddress); err != nil {
		return nil, listenError(o.TCPAddress, err)
	}
	if l.httpListener, err = net.Listen("tcp", o.HTTPAddress); err != nil {
		l.tcpListener.Close()
		return nil, listenError(o.HTTPAddress, err)
	}
	l.tcp = tcpserve.New(l.tcpListener, log, l.handle)
	l.http = httpapi.NewServer("HTTP", l.httpListener, guard.Wrap(l.api()), log)
	return l, nil
}

func listenError(address string, err error) error {
	return fmt.Errorf("failed to instantiate nsqlookupd - listen (%s) failed - %w", address, err)
}

// Run serves until ctx ends. The error is what ended it otherwise.
func (l *NSQLookupd) Run(ctx context.Context) error {
	var busy sync.WaitGroup
	ended := make(chan error, 2)
	busy.Go(func() { ended <- l.serveTCP() })
	busy.Go(func() { ended <- l.http.Serve() })
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	l.tcp.Close()
	l.http.Close()
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
	return protocol.RegistryInfo{
		BroadcastAddress: l.options.BroadcastAddress,
		Hostname:         host,
		HTTPPort:         l.httpListener.Addr().(*net.TCPAddr).Port,
		TCPPort:          l.tcpListener.Addr().(*net.TCPAddr).Port,
		Version:          version.Number,
	}
}
