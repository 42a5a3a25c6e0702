package protocol

// Info is the JSON of nsqd's GET /info (nsqd-http-and-config.md 1.3).
type Info struct {
	Version                string `json:"version"`
	BroadcastAddress       string `json:"broadcast_address"`
	Hostname               string `json:"hostname"`
	HTTPPort               int    `json:"http_port"`
	TCPPort                int    `json:"tcp_port"`
	StartTime              int64  `json:"start_time"`                // Unix s
	MaxHeartbeatInterval   int64  `json:"max_heartbeat_interval"`    // ns
	MaxOutputBufferSize    int64  `json:"max_output_buffer_size"`    // bytes
	MaxOutputBufferTimeout int64  `json:"max_output_buffer_timeout"` // ns
	MaxDeflateLevel        int    `json:"max_deflate_level"`
	TopologyZone           string `json:"topology_zone"`
	TopologyRegion         string `json:"topology_region"`
	// Features names what this nsqd can do beyond the reference.
	Features []string `json:"features"`
	Disk     *Disk    `json:"disk,omitempty"`
}

// Disk is the file system that the data path of an nsqd is on.
type Disk struct {
	FreeBytes  int64 `json:"free_bytes"` // that nsqd may still take
	TotalBytes int64 `json:"total_bytes"`
}

// Stats is the JSON of nsqd's GET /stats (nsqd-http-and-config.md 1.6).
type Stats struct {
	Version   string        `json:"version"`
	Health    string        `json:"health"`
	StartTime int64         `json:"start_time"` // Unix s
	Topics    []TopicStats  `json:"topics"`
	Memory    *MemoryStats  `json:"memory,omitempty"`
	Producers []ClientStats `json:"producers"`
}

// TopicStats is a topic in Stats.
type TopicStats struct {
	TopicName            string         `json:"topic_name"`
	Channels             []ChannelStats `json:"channels"`
	Depth                int64          `json:"depth"`
	BackendDepth         int64          `json:"backend_depth"`
	MessageCount         uint64         `json:"message_count"`
	MessageBytes         uint64         `json:"message_bytes"`
	Paused               bool           `json:"paused"`
	E2eProcessingLatency *E2eLatency    `json:"e2e_processing_latency"`
	Limits               *LimitStats    `json:"limits,omitempty"`
}

// ChannelStats is a channel in TopicStats.
type ChannelStats struct {
	ChannelName          string        `json:"channel_name"`
	Depth                int64         `json:"depth"`
	BackendDepth         int64         `json:"backend_depth"`
	InFlightCount        int64         `json:"in_flight_count"`
	DeferredCount        int64         `json:"deferred_count"`
	MessageCount         uint64        `json:"message_count"`
	ZoneLocalMsgCount    uint64        `json:"zone_local_msg_count,omitempty"`
	RegionLocalMsgCount  uint64        `json:"region_local_msg_count,omitempty"`
	GlobalMsgCount       uint64        `json:"global_msg_count,omitempty"`
	RequeueCount         uint64        `json:"requeue_count"`
	TimeoutCount         uint64        `json:"timeout_count"`
	ClientCount          int           `json:"client_count"`
	Clients              []ClientStats `json:"clients"`
	Paused               bool          `json:"paused"`
	E2eProcessingLatency *E2eLatency   `json:"e2e_processing_latency"`
	Limits               *LimitStats   `json:"limits,omitempty"`
}

// E2eLatency tells how long messages take from their publish to their finish.
type E2eLatency struct {
	Count       int          `json:"count"`
	Percentiles []Percentile `json:"percentiles"`
}

// Percentile is one quantile of an E2eLatency.
type Percentile struct {
	Quantile float64 `json:"quantile"` // 0 to 1
	Value    float64 `json:"value"`    // ns
}

// Client states as /stats shows them.
const (
	StateInit       = 0
	StateSubscribed = 3
	StateClosing    = 4
)

// ClientStats is a connection in Stats: a consumer or a producer.
type ClientStats struct {
	ClientID                      string     `json:"client_id"`
	Hostname                      string     `json:"hostname"`
	Version                       string     `json:"version"`
	RemoteAddress                 string     `json:"remote_address"`
	State                         int32      `json:"state"`
	ReadyCount                    int64      `json:"ready_count"`
	InFlightCount                 int64      `json:"in_flight_count"`
	MessageCount                  uint64     `json:"message_count"`
	FinishCount                   uint64     `json:"finish_count"`
	RequeueCount                  uint64     `json:"requeue_count"`
	ConnectTS                     int64      `json:"connect_ts"` // Unix s
	SampleRate                    int32      `json:"sample_rate"`
	Deflate                       bool       `json:"deflate"`
	Snappy                        bool       `json:"snappy"`
	UserAgent                     string     `json:"user_agent"`
	Authed                        bool       `json:"authed,omitempty"`
	AuthIdentity                  string     `json:"auth_identity,omitempty"`
	AuthIdentityURL               string     `json:"auth_identity_url,omitempty"`
	TopologyZone                  string     `json:"topology_zone"`
	TopologyRegion                string     `json:"topology_region"`
	PubCounts                     []PubCount `json:"pub_counts,omitempty"`
	TLS                           bool       `json:"tls"`
	TLSCipherSuite                string     `json:"tls_cipher_suite"`
	TLSVersion                    string     `json:"tls_version"`
	TLSNegotiatedProtocol         string     `json:"tls_negotiated_protocol"`
	TLSNegotiatedProtocolIsMutual bool       `json:"tls_negotiated_protocol_is_mutual"`
}

// PubCount is how many messages a connection has published to a topic.
type PubCount struct {
	Topic string `json:"topic"`
	Count uint64 `json:"count"`
}

// MemoryStats is the memory of the process in Stats.
type MemoryStats struct {
	HeapObjects       uint64 `json:"heap_objects"`
	HeapIdleBytes     uint64 `json:"heap_idle_bytes"`
	HeapInUseBytes    uint64 `json:"heap_in_use_bytes"`
	HeapReleasedBytes uint64 `json:"heap_released_bytes"`
	GCPauseUsec100    uint64 `json:"gc_pause_usec_100"`
	GCPauseUsec99     uint64 `json:"gc_pause_usec_99"`
	GCPauseUsec95     uint64 `json:"gc_pause_usec_95"`
	NextGCBytes       uint64 `json:"next_gc_bytes"`
	GCTotalRuns       uint32 `json:"gc_total_runs"`
}
