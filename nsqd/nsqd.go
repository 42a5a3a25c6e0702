package nsqd

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/cli"
	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/httpclient"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/tcpserve"
	"nsqsuite/internal/version"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/api"
	"nsqsuite/nsqd/auth"
	"nsqsuite/nsqd/broker"
	"nsqsuite/nsqd/latency"
	"nsqsuite/nsqd/lookup"
	"nsqsuite/nsqd/session"
	"nsqsuite/nsqd/statsd"
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
	metadata *metadata
	lookup   *lookup.Client
	sessions *session.Server
	latency  *latency.Recorder
	api      *api.API
	tls      *tls.Config  // nil if there is no certificate
	auth     *auth.Client // nil if clients may do everything

	tcpListener   net.Listener
	httpListener  net.Listener
	httpsListener net.Listener
	tcp           *tcpserve.Server
	http          *httpapi.Server // nil if there is none
	https         *httpapi.Server // likewise
}

// New locks the data path, checks the options, listens, and loads what the data
// path holds. The error is what the log's FATAL line shall say. The options
// belong to the daemon from now on.
func New(o *Options, log *logging.Logger) (*NSQD, error) {
	if o.DataPath == "" {
		o.DataPath = "."
	}
	n := &NSQD{options: o, log: log, started: time.Now()}
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

// listen opens all ports, and completes the options that tell of them.
func (n *NSQD) listen() (err error) {
	o := n.options
	if n.tcpListener, err = tcpserve.Listen(o.TCPAddress); err != nil {
		return err
	}
	if o.HTTPAddress != "" {
		if n.httpListener, err = tcpserve.Listen(o.HTTPAddress); err != nil {
			return err
		}
	}
	if err := n.listenHTTPS(); err != nil {
		return err
	}
	if o.BroadcastTCPPort == 0 {
		o.BroadcastTCPPort = max(port(n.tcpListener), 0)
	}
	if o.BroadcastHTTPPort == 0 {
		o.BroadcastHTTPPort = max(port(n.httpListener), 0)
	}
	o.StatsdPrefix = statsd.Prefix(o.StatsdPrefix, o.BroadcastAddress, o.BroadcastHTTPPort)
	return nil
}

// wire makes the rooms and ties them together.
func (n *NSQD) wire() {
	o := n.options
	n.lookup = lookup.New(lookup.Config{
		Self:          n.self,
		Registrations: n.registrations,
		Log:           n.log,
		HTTP: httpclient.Config{
			ConnectTimeout: o.HTTPClientConnectTimeout,
			RequestTimeout: o.HTTPClientRequestTimeout,
			MaxAnswer:      o.MaxBodySize,
		},
		MaxReply: o.MaxBodySize,
	}, o.LookupdTCPAddresses)
	n.latency = latency.New(o.E2EProcessingLatencyPercentiles, o.E2EProcessingLatencyWindowTime)
	n.broker = broker.New(broker.Config{
		Store:               diskqueue.NewStore(vfs.OS, o.DataPath, 0),
		NodeID:              int(o.NodeID),
		MemQueueSize:        o.MemQueueSize,
		MemoryBudget:        o.MemoryLimit,
		MaxMsgTimeout:       o.MaxMsgTimeout,
		MaxBytesPerFile:     o.MaxBytesPerFile,
		SyncTimeout:         o.SyncTimeout,
		MaxChannelConsumers: o.MaxChannelConsumers,
		Durability:          diskqueue.Durability(o.Durability),
		Changed:             n.changed,
		Learn:               n.learn,
		Finished:            n.finished(),
		Infof:               n.log.Infof,
		Warnf:               n.log.Warnf,
		Errorf:              n.log.Errorf,
	})
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
		TLSRequired:         o.TLSRequired != tlsOptional,
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
	n.tcp = tcpserve.New(n.tcpListener, n.log, n.sessions.Handle)
	n.wireAPI()
	n.wireHTTP()
}

// finished returns what shall be told of the age of finished messages: nil if nobody asks.
func (n *NSQD) finished() func(topic, channel string, ages []int64) {
	if n.latency == nil {
		return nil
	}
	return func(topic, channel string, ages []int64) { n.latency.Finished(topic, channel, ages, time.Now()) }
}

func (n *NSQD) wireAPI() {
	o := n.options
	n.api = api.New(api.Config{
		Broker:        n.broker,
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
}

// load brings the topics back, and writes nsqd.dat anew.
func (n *NSQD) load() error {
	topics, err := n.metadata.load()
	if err == nil {
		err = n.broker.Restore(topics)
	}
	if err != nil {
		return fmt.Errorf("failed to load metadata - %w", err)
	}
	if err := n.metadata.persist(); err != nil {
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
	busy.Go(func() { n.lookup.Run(ctx) })
	busy.Go(func() { ended <- n.serveTCP() })
	if n.options.StatsdAddress != "" {
		busy.Go(func() { statsd.Run(ctx, n.statsd()) })
	}
	web := n.web()
	for _, server := range web {
		busy.Go(func() { ended <- server.Serve() })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	n.sessions.Close()
	n.tcp.Close()
	for _, server := range web {
		server.Close()
	}
	cancel()
	busy.Wait()
	return errors.Join(err, n.exit())
}

// statsd returns what to push.
func (n *NSQD) statsd() statsd.Config {
	o := n.options
	return statsd.Config{
		Address:          o.StatsdAddress,
		Interval:         o.StatsdInterval,
		Prefix:           o.StatsdPrefix,
		PacketSize:       o.StatsdUDPPacketSize,
		ExcludeEphemeral: o.StatsdExcludeEphemeral,
		Stats:            func() *protocol.Stats { return n.api.Collect(o.StatsdMemStats) },
		Log:              n.log,
	}
}

func (n *NSQD) serveTCP() error {
	n.log.Infof("TCP: listening on %s", n.tcpListener.Addr())
	err := n.tcp.Serve()
	n.log.Infof("TCP: closing %s", n.tcpListener.Addr())
	return err
}

// exit writes everything to disk and gives up the data path.
func (n *NSQD) exit() error {
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

// TCPAddr returns the address that clients can connect to.
func (n *NSQD) TCPAddr() net.Addr { return n.tcpListener.Addr() }

// HTTPAddr returns the address of the HTTP API, or nil.
func (n *NSQD) HTTPAddr() net.Addr {
	if n.httpListener == nil {
		return nil
	}
	return n.httpListener.Addr()
}

// port returns the port that l listens on, 0 without listener, -1 on a Unix socket.
func port(l net.Listener) int {
	if l == nil {
		return 0
	}
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return -1
}

// self is what nsqlookupd is told of this node.
func (n *NSQD) self() protocol.PeerInfo {
	host, err := os.Hostname()
	if err != nil {
		n.log.Errorf("failed to get hostname - %s", err)
	}
	o := n.options
	return protocol.PeerInfo{
		BroadcastAddress: o.BroadcastAddress,
		Hostname:         host,
		HTTPPort:         o.BroadcastHTTPPort,
		TCPPort:          o.BroadcastTCPPort,
		TopologyRegion:   o.TopologyRegion,
		TopologyZone:     o.TopologyZone,
		Version:          version.Number,
	}
}

func (n *NSQD) info() (protocol.Info, error) {
	host, err := os.Hostname()
	o := n.options
	return protocol.Info{
		Version:                version.Number,
		BroadcastAddress:       o.BroadcastAddress,
		Hostname:               host,
		HTTPPort:               port(n.httpListener),
		TCPPort:                port(n.tcpListener),
		StartTime:              n.started.Unix(),
		MaxHeartbeatInterval:   int64(o.MaxHeartbeatInterval),
		MaxOutputBufferSize:    o.MaxOutputBufferSize,
		MaxOutputBufferTimeout: int64(o.MaxOutputBufferTimeout),
		MaxDeflateLevel:        o.MaxDeflateLevel,
		TopologyZone:           o.TopologyZone,
		TopologyRegion:         o.TopologyRegion,
	}, err
}

// registrations returns everything that nsqlookupd shall know: channels, and the topics without any.
func (n *NSQD) registrations() []lookup.Registration {
	var list []lookup.Registration
	for _, t := range n.broker.Topics() {
		channels := t.Channels()
		if len(channels) == 0 {
			list = append(list, lookup.Registration{Topic: t.Name()})
		}
		for _, c := range channels {
			list = append(list, lookup.Registration{Topic: t.Name(), Channel: c.Name()})
		}
	}
	return list
}

func (n *NSQD) changed(c broker.Change) {
	n.lookup.Notify(lookup.Change{Registration: lookup.Registration{Topic: c.Topic, Channel: c.Channel}, Gone: c.Gone})
	if c.Gone {
		n.latency.Forget(c.Topic, c.Channel)
	}
	if !protocol.IsEphemeral(c.Topic) && !protocol.IsEphemeral(c.Channel) {
		n.metadata.changed()
	}
}

// learn asks nsqlookupd which channels a new topic has elsewhere.
func (n *NSQD) learn(topic string) []string {
	channels, err := n.lookup.Channels(topic)
	switch {
	case errors.Is(err, lookup.ErrNoPeers):
		n.log.Errorf("no available nsqlookupd to query for channels to pre-create for topic %s", topic)
	case err != nil:
		n.log.Warnf("failed to query nsqlookupd for channels to pre-create for topic %s - %s", topic, err)
	}
	return channels
}

// option returns the value of an option for GET /config.
func (n *NSQD) option(key string) (any, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return cli.Value(n.options, key)
}

// setOption changes an option for PUT /config.
func (n *NSQD) setOption(key string, body []byte) (any, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch key {
	case "log_level":
		level, err := logging.ParseLevel(string(body))
		if err != nil {
			return nil, err
		}
		n.options.LogLevel = level
		n.log.SetLevel(level)
		return level, nil
	case "nsqlookupd_tcp_addresses":
		var addresses []string
		if err := json.Unmarshal(body, &addresses); err != nil {
			return nil, err
		}
		n.options.LookupdTCPAddresses = addresses
		n.lookup.SetAddresses(addresses)
		return addresses, nil
	}
	return nil, api.ErrNotSettable
}
