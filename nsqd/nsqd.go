package nsqd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/cli"
	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/tcpserve"
	"nsqsuite/internal/version"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/api"
	"nsqsuite/nsqd/broker"
	"nsqsuite/nsqd/lookup"
	"nsqsuite/nsqd/session"
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

	tcpListener  net.Listener
	httpListener net.Listener
	tcp          *tcpserve.Server
	http         *httpapi.Server // nil if there is none
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
	n.log.Infof("%s", version.String("nsqd"))
	n.log.Infof("ID: %d", o.NodeID)
	if n.tcpListener, err = tcpserve.Listen(o.TCPAddress); err != nil {
		return fmt.Errorf("failed to instantiate nsqd - %w", err)
	}
	if o.HTTPAddress != "" {
		if n.httpListener, err = tcpserve.Listen(o.HTTPAddress); err != nil {
			return fmt.Errorf("failed to instantiate nsqd - %w", err)
		}
	}
	if o.BroadcastTCPPort == 0 {
		o.BroadcastTCPPort = max(port(n.tcpListener), 0)
	}
	if o.BroadcastHTTPPort == 0 {
		o.BroadcastHTTPPort = max(port(n.httpListener), 0)
	}
	n.wire()
	return n.load()
}

// wire makes the rooms and ties them together.
func (n *NSQD) wire() {
	o := n.options
	n.lookup = lookup.New(lookup.Config{
		Self:           n.self,
		Registrations:  n.registrations,
		Log:            n.log,
		ConnectTimeout: o.HTTPClientConnectTimeout,
		RequestTimeout: o.HTTPClientRequestTimeout,
		MaxReply:       o.MaxBodySize,
	}, o.LookupdTCPAddresses)
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
		MaxDeflateLevel:     o.MaxDeflateLevel,
		MaxChannelConsumers: o.MaxChannelConsumers,
		TopologyRegion:      o.TopologyRegion,
		TopologyZone:        o.TopologyZone,
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
	if n.httpListener != nil {
		n.http = httpapi.NewServer("HTTP", n.httpListener, n.api(), n.log)
	}
}

func (n *NSQD) api() *api.API {
	o := n.options
	return api.New(api.Config{
		Broker:        n.broker,
		Clients:       n.sessions.Clients,
		Log:           n.log,
		Info:          n.info,
		Persist:       n.metadata.persist,
		Option:        n.option,
		SetOption:     n.setOption,
		Version:       version.Number,
		Started:       n.started,
		MaxMsgSize:    o.MaxMsgSize,
		MaxBodySize:   o.MaxBodySize,
		MaxReqTimeout: o.MaxReqTimeout,
	})
}

// load brings the topics back, and writes nsqd.dat anew. If the disk is full that
// can wait: consumers must be able to take what fills it.
func (n *NSQD) load() error {
	topics, err := n.metadata.load()
	if err == nil {
		err = n.broker.Restore(topics)
	}
	if err != nil {
		return fmt.Errorf("failed to load metadata - %w", err)
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
	ended := make(chan error, 2)
	busy.Go(func() { n.broker.Run(ctx) }) //nolint:errcheck // ends with ctx
	busy.Go(func() { n.metadata.run(ctx) })
	busy.Go(func() { n.lookup.Run(ctx) })
	busy.Go(func() { ended <- n.serveTCP() })
	if n.http != nil {
		busy.Go(func() { ended <- n.http.Serve() })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	n.tcp.Close()
	if n.http != nil {
		n.http.Close()
	}
	cancel()
	busy.Wait()
	return errors.Join(err, n.exit())
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
	for _, l := range []net.Listener{n.tcpListener, n.httpListener} {
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
