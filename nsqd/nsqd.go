package nsqd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/access"
	"nsqsuite/internal/certs"
	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/httpclient"
	"nsqsuite/internal/httplane"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/metrics"
	"nsqsuite/internal/tcpserve"
	"nsqsuite/internal/version"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/api"
	"nsqsuite/nsqd/auth"
	"nsqsuite/nsqd/broker"
	"nsqsuite/nsqd/latency"
	"nsqsuite/nsqd/lookup"
	series "nsqsuite/nsqd/metrics"
	"nsqsuite/nsqd/redrive"
	"nsqsuite/nsqd/session"
	"nsqsuite/nsqd/statsd"
	"nsqsuite/nsqd/takeover"
	"nsqsuite/protocol"
)

// NSQD is the daemon.
type NSQD struct {
	log     *logging.Logger
	started time.Time
	unlock  func() error

	mu      sync.Mutex // guards options, of which some change at run time
	options *Options

	broker   *broker.Broker
	redriver *redrive.Redriver
	metadata *metadata
	lookup   *lookup.Client
	sessions *session.Server
	latency  *latency.Recorder
	figures  *metrics.Registry
	series   *series.Collector
	times    *series.Latencies // nil if they are not measured
	drain    drain
	// advertised is what some nsqlookupd are told instead of the broadcast address.
	advertised map[string]advertised
	probing    sync.Mutex // one probe of the data path at a time
	api        *api.API
	tls        *tls.Config   // nil if there is no certificate
	guard      *access.Guard // nil if everybody may use the HTTP API
	token      string        // nsqlookupd is asked with over HTTP
	auth       *auth.Client  // nil if clients may do everything
	// lookupTLS is how nsqlookupd are spoken to over TLS; nil: they are not.
	lookupTLS func() *tls.Config

	tcpListener   net.Listener
	httpListener  net.Listener
	httpsListener net.Listener
	tcp           *tcpserve.Server
	web           []*httpapi.Server
}

// New locks the data path, checks the options, listens, and loads what the data
// path holds. The error is what the log's FATAL line shall say. The options
// belong to the daemon from now on.
func New(o *Options, log *logging.Logger) (*NSQD, error) {
	if o.DataPath == "" {
		o.DataPath = "."
	}
	n := &NSQD{options: o, log: log, started: time.Now(), drain: newDrain()}
	if err := n.open(); err != nil {
		n.release()
		return nil, err
	}
	return n, nil
}

func (n *NSQD) open() (err error) {
	o := n.options
	if n.unlock, err = vfs.Lock(o.DataPath); err != nil {
		return fmt.Errorf("failed to instantiate nsqd - failed to lock data-path: %w", err)
	}
	if err := o.check(); err != nil {
		return fmt.Errorf("failed to instantiate nsqd - %w", err)
	}
	if n.advertised, err = parseAdvertised(o.BroadcastAddressesAt); err != nil {
		return fmt.Errorf("failed to instantiate nsqd - %w", err)
	}
	if err := n.secure(); err != nil {
		return fmt.Errorf("failed to instantiate nsqd - %w", err)
	}
	n.log.Infof("%s", version.String("nsqd"))
	n.log.Infof("ID: %d", o.NodeID)
	for _, name := range o.EnableExperiment {
		if name != topologyAware {
			n.log.Warnf("there is no experiment %q, --enable-experiment=%s has no effect", name, name)
		}
	}
	if err := n.listen(); err != nil {
		return fmt.Errorf("failed to instantiate nsqd - %w", err)
	}
	n.wire()
	return n.load()
}

// topologyAware is the one experiment there is.
const topologyAware = "topology-aware-consumption"

// wire makes the rooms and ties them together.
func (n *NSQD) wire() {
	o := n.options
	n.wireLookup()
	n.latency = latency.New(o.E2EProcessingLatencyPercentiles, o.E2EProcessingLatencyWindowTime)
	if o.MetricsLatency {
		n.times = series.NewLatencies(o.MetricsMaxSeries / 2)
	}
	store := diskqueue.NewStore(vfs.OS, o.DataPath, vfs.OpenFiles())
	n.broker = broker.New(broker.Config{
		Store:               store,
		NodeID:              int(o.NodeID),
		MemQueueSize:        o.MemQueueSize,
		MemoryBudget:        o.MemoryLimit,
		MaxMsgTimeout:       o.MaxMsgTimeout,
		MaxBytesPerFile:     o.MaxBytesPerFile,
		SyncTimeout:         o.SyncTimeout,
		MaxChannelConsumers: o.MaxChannelConsumers,
		MinFree:             o.MinFreeDisk,
		TopicLimits:         o.topicLimits(),
		ChannelLimits:       o.channelLimits(),
		Durability:          diskqueue.Durability(o.Durability),
		Changed:             n.changed,
		Learn:               n.learn,
		Finished:            n.finished(),
		Infof:               n.log.Infof,
		Warnf:               n.log.Warnf,
		Errorf:              n.log.Errorf,
	})
	n.redriver = redrive.New(n.broker, n.log.Infof)
	n.wireMetrics()
	store.OnSync = n.series.Synced
	n.metadata = newMetadata(vfs.OS, o.DataPath, n.broker.Meta, n.log)
	n.sessions = session.NewServer(session.Config{
		Broker:              n.broker,
		Log:                 n.log,
		Version:             version.Number,
		MaxRdyCount:         o.MaxRdyCount,
		MaxMsgSize:          o.MaxMsgSize,
		MaxBodySize:         o.MaxBodySize,
		MaxReqTimeout:       o.MaxReqTimeout,
		TLS:                 n.tls,
		TLSRequired:         o.TLSRequired != certs.Optional,
		Deflate:             o.Deflate,
		Snappy:              o.Snappy,
		MaxDeflateLevel:     o.MaxDeflateLevel,
		Auth:                n.auth,
		MaxChannelConsumers: o.MaxChannelConsumers,
		TopologyRegion:      o.TopologyRegion,
		TopologyZone:        o.TopologyZone,
		TopologyAware:       slices.Contains(o.EnableExperiment, topologyAware),
		Limits: protocol.Limits{
			MaxHeartbeat:           o.MaxHeartbeatInterval,
			MaxOutputBuffer:        int(o.MaxOutputBufferSize),
			OutputBufferTimeout:    o.OutputBufferTimeout,
			MinOutputBufferTimeout: o.MinOutputBufferTimeout,
			MaxOutputBufferTimeout: o.MaxOutputBufferTimeout,
			MsgTimeout:             o.MsgTimeout,
			MaxMsgTimeout:          o.MaxMsgTimeout,
		},
	})
	n.tcp = tcpserve.New(n.tcpListener, n.log, func(c net.Conn) tcpserve.Handler { return n.sessions.Open(c) })
	n.wireAPI()
}

func (n *NSQD) wireLookup() {
	o := n.options
	n.lookup = lookup.New(lookup.Config{
		Self:          n.self,
		Registrations: n.registrations,
		Log:           n.log,
		HTTP: httpclient.Config{
			ConnectTimeout: o.HTTPClientConnectTimeout,
			RequestTimeout: o.HTTPClientRequestTimeout,
			MaxAnswer:      o.MaxBodySize,
			Token:          n.token,
		},
		MaxReply: o.MaxBodySize,
		TLS:      n.lookupTLS,
	}, o.LookupdTCPAddresses)
}

func (n *NSQD) wireAPI() {
	o := n.options
	n.api = api.New(api.Config{
		Broker:        n.broker,
		Redriver:      n.redriver,
		Clients:       n.sessions.Clients,
		Log:           n.log,
		Info:          n.info,
		Persist:       n.metadata.persist,
		Option:        n.option,
		SetOption:     n.setOption,
		Latency:       n.latency,
		Version:       version.Number,
		Started:       n.started,
		MaxMsgSize:    o.MaxMsgSize,
		MaxBodySize:   o.MaxBodySize,
		MaxReqTimeout: o.MaxReqTimeout,
	})
	n.api.Health("", n.checks)
	n.figures.Serve(n.api.Router, "", n.log)
	n.web = httpapi.Servers(httpapi.Serving{
		Plain:       n.httpListener,
		Secure:      n.httpsListener,
		TLS:         n.tls,
		TLSDemanded: o.TLSRequired == certs.Everywhere,
		Handler:     n.guard.Wrap(n.api),
		Lane:        &httplane.Lane{Open: n.api.Lane, Allowed: n.guard.MayPublish},
		Log:         n.log,
	})
}

// load brings the topics back, takes over what upstream has left for them, and
// writes nsqd.dat anew. If the disk is full that last can wait: consumers must be
// able to take what fills it.
func (n *NSQD) load() error {
	topics, err := n.metadata.load()
	if err == nil {
		err = n.broker.Restore(topics)
	}
	if err != nil {
		return fmt.Errorf("failed to load metadata - %w", err)
	}
	o := n.options
	if err := takeover.TakeOver(vfs.OS, o.DataPath, n.broker, o.SalvageBad, n.log); err != nil {
		return fmt.Errorf("failed to take over upstream's files - %w", err)
	}
	err = n.metadata.persist()
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		n.log.Errorf("failed to persist metadata - %s", err)
		n.metadata.changed()
		return nil
	}
	if err != nil {
		return fmt.Errorf("failed to persist metadata - %w", err)
	}
	return nil
}

// Run serves until ctx ends, then exits in order: when it returns, everything
// that is to survive is on the disk. The error is what ended it otherwise.
func (n *NSQD) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var busy sync.WaitGroup
	ended := make(chan error, 3)
	busy.Go(func() { n.broker.Run(ctx) }) //nolint:errcheck // ends with ctx
	busy.Go(func() { n.metadata.run(ctx) })
	registered, leave := context.WithCancel(ctx)
	defer leave()
	busy.Go(func() { n.lookup.Run(registered) })
	busy.Go(func() { n.drainWhenTold(ctx, leave) })
	busy.Go(func() { ended <- n.serveTCP() })
	if n.options.StatsdAddress != "" {
		busy.Go(func() { statsd.Run(ctx, n.statsd()) })
	}
	for _, server := range n.web {
		busy.Go(func() { ended <- server.Serve() })
	}
	var err error
	select {
	case <-ctx.Done():
	case <-n.drain.ended:
	case err = <-ended:
	}
	n.sessions.Close()
	n.tcp.Close()
	for _, server := range n.web {
		server.Close()
	}
	cancel()
	busy.Wait()
	return errors.Join(err, n.exit())
}

// exit writes everything to disk and gives up the data path.
func (n *NSQD) exit() error {
	n.redriver.Close()
	var errs []error
	if err := n.metadata.persist(); err != nil {
		errs = append(errs, fmt.Errorf("failed to persist metadata - %w", err))
	}
	n.log.Infof("NSQ: closing topics")
	errs = append(errs, n.broker.Close())
	n.log.Infof("NSQ: stopping subsystems")
	n.release()
	n.log.Infof("NSQ: bye")
	return errors.Join(errs...)
}

// release gives up listeners and the data path.
func (n *NSQD) release() {
	for _, l := range []net.Listener{n.tcpListener, n.httpListener, n.httpsListener} {
		if l != nil {
			l.Close()
		}
	}
	if n.unlock != nil {
		n.unlock() //nolint:errcheck // the lock ends with the process at the latest
	}
}
