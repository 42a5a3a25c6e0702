package nsqd

import (
	"crypto/md5"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/certs"
	"nsqsuite/internal/logging"
	"nsqsuite/protocol"
)

// Options are nsqd's settings, with their flags and keys in a configuration file.
type Options struct {
	NodeID           int64          `flag:"node-id" toml:"id" default:"made from the host's name" group:"General" usage:"number of this node, 0 to 1023, unique in the cluster; part of every message ID"`
	LogLevel         logging.Level  `flag:"log-level" group:"General" usage:"debug, info, warn, error or fatal"`
	LogPrefix        string         `flag:"log-prefix" group:"General" usage:"what every log line begins with"`
	LogFormat        logging.Format `flag:"log-format" group:"General" usage:"text, or json: an object a line"`
	EnableExperiment []string       `flag:"enable-experiment" group:"General" usage:"name of an experiment to switch on; there is topology-aware-consumption"`
	WorkerID         bool           `flag:"worker-id" toml:"-" group:"General" usage:"deprecated, has no effect; see --node-id"`

	TCPAddress               string        `flag:"tcp-address" group:"Network" usage:"host:port, or path of a Unix socket, to listen on for clients"`
	HTTPAddress              string        `flag:"http-address" group:"Network" usage:"host:port, or path of a Unix socket, to listen on for HTTP; empty: none"`
	HTTPSAddress             string        `flag:"https-address" group:"Network" usage:"host:port to listen on for HTTPS, if there is a certificate; empty: none"`
	BroadcastAddress         string        `flag:"broadcast-address" default:"the host's name" group:"Network" usage:"name or address under which nsqlookupd shall make this node known"`
	BroadcastTCPPort         int           `flag:"broadcast-tcp-port" group:"Network" usage:"TCP port to be made known; 0: the one listened on"`
	BroadcastHTTPPort        int           `flag:"broadcast-http-port" group:"Network" usage:"HTTP port to be made known; 0: the one listened on"`
	BroadcastHTTPSPort       int           `flag:"broadcast-https-port" group:"Network" usage:"HTTPS port to be made known; 0: the one listened on, unless --broadcast-http-port is not the one listened on either"`
	BroadcastAddressesAt     []string      `flag:"broadcast-address-at" toml:"broadcast_addresses_at" group:"Network" usage:"LOOKUPD=ADDRESS, or LOOKUPD=ADDRESS/TCP_PORT/HTTP_PORT[/HTTPS_PORT]: what one nsqlookupd, named as in --lookupd-tcp-address, shall make known instead: the one that clients of another network ask"`
	LookupdTCPAddresses      []string      `flag:"lookupd-tcp-address" toml:"nsqlookupd_tcp_addresses" group:"Network" usage:"host:port of a nsqlookupd to register with"`
	HTTPClientConnectTimeout time.Duration `flag:"http-client-connect-timeout" group:"Network" usage:"time to connect, for questions to nsqlookupd over HTTP"`
	HTTPClientRequestTimeout time.Duration `flag:"http-client-request-timeout" group:"Network" usage:"time to answer, likewise"`

	DataPath        string        `flag:"data-path" group:"Storage" usage:"folder for messages and metadata, which must exist; empty: the working directory"`
	Durability      durability    `flag:"durability" group:"Storage" usage:"when a publish is acknowledged: memory (disk only when memory is full, and at exit), write (survives the end of the process) or fsync (survives power loss)"`
	MemQueueSize    int64         `flag:"mem-queue-size" group:"Storage" usage:"messages of a topic to keep in memory"`
	MemoryLimit     int64         `flag:"memory-limit" group:"Storage" usage:"bytes of messages to keep in memory over all topics; 0: no limit"`
	MaxBytesPerFile int64         `flag:"max-bytes-per-file" group:"Storage" usage:"bytes in a file of a topic's log before the next one begins"`
	SyncEvery       int64         `flag:"sync-every" group:"Storage" usage:"1 means --durability=fsync; other values have no effect, see --sync-timeout"`
	SyncTimeout     time.Duration `flag:"sync-timeout" group:"Storage" usage:"longest time that what was written stays unsynced"`

	MinFreeDisk int64 `flag:"min-free-disk" group:"Limits" usage:"bytes that must be free on the data path's disk: with less, publishes are refused; 0: no limit"`

	TopicMaxAge   time.Duration     `flag:"topic-max-age" group:"Limits" usage:"drop messages that are older; 0: no limit. This and the next three hold for each topic, that is for what it holds and for each of its channels, unless POST /topic/limits has set others"`
	TopicMaxDepth int64             `flag:"topic-max-depth" group:"Limits" usage:"most messages; 0: no limit"`
	TopicMaxBytes int64             `flag:"topic-max-bytes" group:"Limits" usage:"most bytes of messages; 0: no limit"`
	TopicOverflow protocol.Overflow `flag:"topic-overflow" group:"Limits" usage:"what happens to messages that are too many: reject refuses a publish, drop-oldest makes room for it"`

	ChannelMaxAge   time.Duration     `flag:"channel-max-age" group:"Limits" usage:"as --topic-max-age, for each channel, unless POST /channel/limits has set others"`
	ChannelMaxDepth int64             `flag:"channel-max-depth" group:"Limits" usage:"most messages of a channel, also in flight and deferred; 0: no limit"`
	ChannelMaxBytes int64             `flag:"channel-max-bytes" group:"Limits" usage:"most bytes of messages of a channel; 0: no limit"`
	ChannelOverflow protocol.Overflow `flag:"channel-overflow" group:"Limits" usage:"reject refuses a publish to the topic, drop-oldest makes room in this channel alone"`

	SalvageBad bool   `flag:"salvage-bad" toml:"-" group:"Moving" usage:"when messages are taken over from upstream's files, also read the files that upstream has given up (.bad), and look for messages behind damage; some may have been finished before"`
	Check      bool   `flag:"check" toml:"-" group:"Moving" usage:"print what the data path holds, how much of it can be read and what is litter, change nothing, and exit: with status 1 if there is damage"`
	Export     string `flag:"export" toml:"-" group:"Moving" usage:"write what the data path holds to this folder, new or empty, in upstream's format, change nothing, and exit"`

	QueueScanSelectionCount int `flag:"queue-scan-selection-count" group:"Storage" usage:"has no effect: every channel has a timer of its own"`
	QueueScanWorkerPoolMax  int `flag:"queue-scan-worker-pool-max" group:"Storage" usage:"has no effect, likewise"`

	MsgTimeout    time.Duration `flag:"msg-timeout" group:"Messages" usage:"time to finish a message before it is delivered again"`
	MaxMsgTimeout time.Duration `flag:"max-msg-timeout" group:"Messages" usage:"longest time that a client may ask for, and that TOUCH can give"`
	MaxMsgSize    int64         `flag:"max-msg-size" group:"Messages" usage:"bytes of the largest message"`
	MaxBodySize   int64         `flag:"max-body-size" group:"Messages" usage:"bytes of the largest body of a command"`
	MaxReqTimeout time.Duration `flag:"max-req-timeout" group:"Messages" usage:"longest delay of REQ and DPUB"`

	MaxHeartbeatInterval   time.Duration `flag:"max-heartbeat-interval" group:"Clients" usage:"longest heartbeat interval that a client may ask for"`
	MaxRdyCount            int64         `flag:"max-rdy-count" group:"Clients" usage:"largest RDY"`
	MaxOutputBufferSize    int64         `flag:"max-output-buffer-size" group:"Clients" usage:"largest output buffer that a client may ask for, bytes"`
	MaxOutputBufferTimeout time.Duration `flag:"max-output-buffer-timeout" group:"Clients" usage:"longest flush interval that a client may ask for"`
	MinOutputBufferTimeout time.Duration `flag:"min-output-buffer-timeout" group:"Clients" usage:"shortest flush interval that a client may ask for"`
	OutputBufferTimeout    time.Duration `flag:"output-buffer-timeout" group:"Clients" usage:"flush interval told to clients; nothing ever waits for it"`
	MaxChannelConsumers    int           `flag:"max-channel-consumers" group:"Clients" usage:"most consumers of a channel on this node; 0: no limit"`
	Deflate                bool          `flag:"deflate" group:"Clients" usage:"let clients ask for deflate"`
	Snappy                 bool          `flag:"snappy" group:"Clients" usage:"let clients ask for snappy"`
	MaxDeflateLevel        int           `flag:"max-deflate-level" group:"Clients" usage:"largest deflate level that a client may ask for, 1 to 9"`

	StatsdAddress          string        `flag:"statsd-address" group:"statsd" usage:"host:port of a statsd daemon to push figures to by UDP; empty: none"`
	StatsdInterval         time.Duration `flag:"statsd-interval" group:"statsd" usage:"time between pushes, more than a second"`
	StatsdMemStats         bool          `flag:"statsd-mem-stats" group:"statsd" usage:"push figures of the memory too"`
	StatsdPrefix           string        `flag:"statsd-prefix" group:"statsd" usage:"what every name begins with; %s is replaced by the broadcast address and HTTP port"`
	StatsdUDPPacketSize    int           `flag:"statsd-udp-packet-size" group:"statsd" usage:"bytes of a packet"`
	StatsdExcludeEphemeral bool          `flag:"statsd-exclude-ephemeral" group:"statsd" usage:"leave ephemeral topics and channels out"`

	MetricsMaxSeries int  `flag:"metrics-max-series" group:"Prometheus" usage:"most series of topics and channels that /metrics shows; what does not fit is summed"`
	MetricsLatency   bool `flag:"metrics-latency" group:"Prometheus" usage:"measure delivery and processing times, as histograms of each channel; costs a little for each message"`

	DrainOnSigterm    time.Duration `flag:"drain-on-sigterm" group:"Draining and health" usage:"let SIGTERM drain the node for at most this time, until a second one; 0: it ends at once"`
	ReadyNeedsLookupd bool          `flag:"ready-needs-lookupd" group:"Draining and health" usage:"let /readyz fail while no nsqlookupd is connected"`

	E2EProcessingLatencyPercentiles []float64     `flag:"e2e-processing-latency-percentile" toml:"e2e_processing_latency_percentiles" group:"End-to-end latency" usage:"percentile, more than 0 and at most 1, of the time from publish to finish to show in the statistics; none: off"`
	E2EProcessingLatencyWindowTime  time.Duration `flag:"e2e-processing-latency-window-time" group:"End-to-end latency" usage:"how far back the percentiles look"`

	TLSCert             string         `flag:"tls-cert" group:"TLS" usage:"PEM file of this node's certificate; read anew when it changes"`
	TLSKey              string         `flag:"tls-key" group:"TLS" usage:"PEM file of its private key"`
	TLSRequired         certs.Required `flag:"tls-required" group:"TLS" usage:"refuse clients without TLS: true, false, or tcp-https, which lets plain HTTP be"`
	TLSClientAuthPolicy string         `flag:"tls-client-auth-policy" group:"TLS" usage:"require: clients show a certificate; require-verify: one that --tls-root-ca-file has signed; either requires TLS; verify: like the latter, but who has none may do without"`
	TLSRootCAFile       string         `flag:"tls-root-ca-file" group:"TLS" usage:"PEM file of who may have signed the certificates of clients and of authorisation servers; empty: the system's; read anew when it changes"`
	TLSMinVersion       certs.Version  `flag:"tls-min-version" group:"TLS" usage:"lowest version: tls1.0, tls1.1, tls1.2 or tls1.3"`

	LookupdTLS           bool   `flag:"lookupd-tls" group:"TLS to nsqlookupd" usage:"speak TLS with every nsqlookupd, and HTTPS where it has that"`
	LookupdTLSRootCAFile string `flag:"lookupd-tls-root-ca-file" group:"TLS to nsqlookupd" usage:"PEM file of who may have signed their certificates; empty: the system's; read anew when it changes"`
	LookupdTLSCert       string `flag:"lookupd-tls-cert" group:"TLS to nsqlookupd" usage:"PEM file of the certificate shown to them; read anew when it changes"`
	LookupdTLSKey        string `flag:"lookupd-tls-key" group:"TLS to nsqlookupd" usage:"PEM file of its private key"`

	AuthHTTPAddresses     []string `flag:"auth-http-address" toml:"auth_http_addresses" group:"Authorisation" usage:"host:port, or URL, of a server that says what a client may do"`
	AuthHTTPRequestMethod string   `flag:"auth-http-request-method" group:"Authorisation" usage:"get or post"`

	HTTPAccessFile       string `flag:"http-access-file" group:"Authorisation" usage:"TOML file that says who may use the HTTP API for what, by bearer token or certificate; read anew when it changes; empty: everybody may everything"`
	LookupdHTTPTokenFile string `flag:"lookupd-http-token-file" group:"Authorisation" usage:"file with the bearer token that nsqlookupd is asked with over HTTP"`

	TopologyRegion string `flag:"topology-region" group:"Topology" usage:"region that this node is in"`
	TopologyZone   string `flag:"topology-zone" group:"Topology" usage:"zone that this node is in"`
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return &Options{
		NodeID:                         defaultNodeID(host),
		LogLevel:                       logging.Info,
		LogPrefix:                      "[nsqd] ",
		LogFormat:                      logging.Text,
		TCPAddress:                     "0.0.0.0:4150",
		HTTPAddress:                    "0.0.0.0:4151",
		HTTPSAddress:                   "0.0.0.0:4152",
		BroadcastAddress:               host,
		HTTPClientConnectTimeout:       2 * time.Second,
		HTTPClientRequestTimeout:       5 * time.Second,
		Durability:                     durability(diskqueue.Write),
		MemQueueSize:                   10000,
		MemoryLimit:                    1 << 30,
		MaxBytesPerFile:                100 << 20,
		SyncEvery:                      2500,
		SyncTimeout:                    2 * time.Second,
		QueueScanSelectionCount:        20,
		QueueScanWorkerPoolMax:         4,
		MsgTimeout:                     time.Minute,
		MaxMsgTimeout:                  15 * time.Minute,
		MaxMsgSize:                     1 << 20,
		MaxBodySize:                    5 << 20,
		MaxReqTimeout:                  time.Hour,
		TopicOverflow:                  protocol.Reject,
		ChannelOverflow:                protocol.Reject,
		MaxHeartbeatInterval:           time.Minute,
		MaxRdyCount:                    2500,
		MaxOutputBufferSize:            64 << 10,
		MaxOutputBufferTimeout:         30 * time.Second,
		MinOutputBufferTimeout:         25 * time.Millisecond,
		OutputBufferTimeout:            250 * time.Millisecond,
		MaxDeflateLevel:                6,
		StatsdInterval:                 time.Minute,
		StatsdMemStats:                 true,
		StatsdPrefix:                   "nsq.%s",
		StatsdUDPPacketSize:            508,
		MetricsMaxSeries:               10000,
		E2EProcessingLatencyWindowTime: 10 * time.Minute,
		Deflate:                        true,
		Snappy:                         true,
		TLSMinVersion:                  tls.VersionTLS10,
		AuthHTTPRequestMethod:          "get",
	}
}

// defaultNodeID makes a node number of the host's name, as upstream does.
func defaultNodeID(host string) int64 {
	sum := md5.Sum([]byte(host))
	return int64(crc32.ChecksumIEEE(sum[:]) % 1024)
}

// check says what is wrong with the options, in the order of
// nsqd-http-and-config.md 2.3, and works out what follows from them.
func (o *Options) check() error {
	switch {
	case o.MaxDeflateLevel < 1 || o.MaxDeflateLevel > 9:
		return errors.New("--max-deflate-level must be [1,9]")
	case o.NodeID < 0 || o.NodeID >= 1024:
		return errors.New("--node-id must be [0,1024)")
	}
	for _, p := range o.E2EProcessingLatencyPercentiles {
		if !(p > 0 && p <= 1) { // so that NaN is wrong too
			return fmt.Errorf("invalid E2E processing latency percentile: %v", p)
		}
	}
	for _, c := range []struct {
		name  string
		bad   bool
		wants string
	}{
		{"broadcast-https-port", o.BroadcastHTTPSPort < 0 || o.BroadcastHTTPSPort > 65535, "0 to 65535"},
		{"mem-queue-size", o.MemQueueSize < 0, "0 or more"},
		{"memory-limit", o.MemoryLimit < 0, "0 or more"},
		{"min-free-disk", o.MinFreeDisk < 0, "0 or more"},
		{"topic-max-age", o.TopicMaxAge < 0, "0 or more"},
		{"topic-max-depth", o.TopicMaxDepth < 0, "0 or more"},
		{"topic-max-bytes", o.TopicMaxBytes < 0, "0 or more"},
		{"channel-max-age", o.ChannelMaxAge < 0, "0 or more"},
		{"channel-max-depth", o.ChannelMaxDepth < 0, "0 or more"},
		{"channel-max-bytes", o.ChannelMaxBytes < 0, "0 or more"},
		{"max-bytes-per-file", o.MaxBytesPerFile <= 0, "more than 0"},
		{"sync-timeout", o.SyncTimeout <= 0, "more than 0"},
		{"output-buffer-timeout", o.OutputBufferTimeout <= 0, "more than 0"},
		{"msg-timeout", o.MsgTimeout <= 0, "more than 0"},
		{"max-msg-timeout", o.MaxMsgTimeout <= 0, "more than 0"},
		{"max-msg-size", o.MaxMsgSize <= 0 || o.MaxMsgSize > maxSize, fmt.Sprintf("1 to %d", maxSize)},
		{"max-body-size", o.MaxBodySize <= 0 || o.MaxBodySize > maxSize, fmt.Sprintf("1 to %d", maxSize)},
		{"max-req-timeout", o.MaxReqTimeout < 0, "0 or more"},
		{"max-rdy-count", o.MaxRdyCount < 0, "0 or more"},
		{"max-channel-consumers", o.MaxChannelConsumers < 0, "0 or more"},
		{"http-client-connect-timeout", o.HTTPClientConnectTimeout <= 0, "more than 0"},
		{"http-client-request-timeout", o.HTTPClientRequestTimeout <= 0, "more than 0"},
		{"statsd-interval", o.StatsdAddress != "" && o.StatsdInterval <= time.Second, "more than 1s"},
		{"metrics-max-series", o.MetricsMaxSeries < 0, "0 or more"},
		{"drain-on-sigterm", o.DrainOnSigterm < 0, "0 or more"},
		{"e2e-processing-latency-window-time", o.E2EProcessingLatencyWindowTime <= 0, "more than 0"},
		{"queue-scan-selection-count", o.QueueScanSelectionCount < 0, "0 or more"},
		{"queue-scan-worker-pool-max", o.QueueScanWorkerPoolMax <= 0, "more than 0"},
	} {
		if c.bad {
			return fmt.Errorf("--%s must be %s", c.name, c.wants)
		}
	}
	if o.SyncEvery == 1 {
		o.Durability = durability(diskqueue.Fsync)
	}
	if o.MemQueueSize == 0 && o.Durability == durability(diskqueue.Memory) {
		o.Durability = durability(diskqueue.Write)
	}
	return nil
}

// maxSize is the largest message or body that can be allowed, in bytes: sizes on the wire have 31 bits.
const maxSize = 1 << 30

// durability is diskqueue.Durability as a flag.
type durability diskqueue.Durability

var durabilities = [...]string{diskqueue.Memory: "memory", diskqueue.Write: "write", diskqueue.Fsync: "fsync"}

// String returns the word for it.
func (d durability) String() string { return durabilities[d] }

// Set is pflag.Value.
func (d *durability) Set(word string) error {
	for i, w := range durabilities {
		if w == word {
			*d = durability(i)
			return nil
		}
	}
	return fmt.Errorf("must be %s", strings.Join(durabilities[:], ", "))
}

// Type is pflag.Value.
func (d *durability) Type() string { return "mode" }

// MarshalJSON shows the word.
func (d durability) MarshalJSON() ([]byte, error) { return []byte(`"` + d.String() + `"`), nil }
