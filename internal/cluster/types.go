package cluster

import (
	"cmp"
	"net"
	"strconv"
	"strings"

	"nsqsuite/protocol"
)

// Total stands in the place of a node's address where the numbers are the cluster's.
const Total = "*"

// Node is an nsqd as the nsqlookupd, or it itself, describe it (nsqadmin.md 4.4).
type Node struct {
	RemoteAddresses  []string    `json:"remote_addresses"` // <nsqlookupd>/<connection>, one for each that knows it; nil in nsqd mode
	RemoteAddress    string      `json:"remote_address"`
	Hostname         string      `json:"hostname"`
	BroadcastAddress string      `json:"broadcast_address"`
	TCPPort          int         `json:"tcp_port"`
	HTTPPort         int         `json:"http_port"`            // 0 if there is HTTPS only
	HTTPSPort        int         `json:"https_port,omitempty"` // as a nsqlookupd says; not in NSQ
	Version          string      `json:"version"`
	TopologyZone     string      `json:"topology_zone,omitempty"`
	TopologyRegion   string      `json:"topology_region,omitempty"`
	Topics           []NodeTopic `json:"topics"`
	OutOfDate        bool        `json:"out_of_date"` // another node has a higher version

	https    string // scheme and host:port of its HTTP API, if it is asked over TLS
	discreet bool   // as in target
	given    target // where it answered, in nsqd mode
}

// Given returns a node of which only the address is known.
func Given(address string) *Node {
	n := &Node{Hostname: Name(address)}
	n.answersAt(given(address))
	return n
}

// answersAt notes the address that was given for the node.
func (n *Node) answersAt(t target) {
	n.given, n.discreet = t, t.discreet
	if strings.HasPrefix(t.url, secure) {
		n.https = t.url
	}
}

// URL returns scheme and host:port of the node's HTTP API.
func (n *Node) URL() string { return cmp.Or(n.https, "http://"+n.HTTPAddress()) }

func (n *Node) target() target {
	return target{name: n.HTTPAddress(), url: n.URL(), discreet: n.discreet, httpsPort: n.HTTPSPort}
}

// direct is target, but at the address that was given, if one was.
func (n *Node) direct() target {
	if n.given.url != "" {
		return n.given
	}
	return n.target()
}

// secureLike makes sure that the node is asked as securely as another description of it says.
func (n *Node) secureLike(o *Node) {
	n.https, n.discreet = cmp.Or(n.https, o.https), n.discreet || o.discreet
	n.HTTPSPort = cmp.Or(n.HTTPSPort, o.HTTPSPort)
}

// HTTPAddress returns host:port of the node's HTTP API, its name in URLs: in
// clear, if it has a port for that.
func (n *Node) HTTPAddress() string {
	if n.HTTPPort <= 0 && n.https != "" {
		return Name(n.https)
	}
	return net.JoinHostPort(n.BroadcastAddress, strconv.Itoa(n.HTTPPort))
}

func (n *Node) tcpAddress() string {
	return net.JoinHostPort(n.BroadcastAddress, strconv.Itoa(n.TCPPort))
}

// NodeTopic is a topic of a Node.
type NodeTopic struct {
	Topic      string `json:"topic"`
	Tombstoned bool   `json:"tombstoned"`
}

// Counts are the numbers that topics and channels have in common. They add up.
type Counts struct {
	Depth         int64  `json:"depth"`
	MemoryDepth   int64  `json:"memory_depth"`
	BackendDepth  int64  `json:"backend_depth"`
	MessageCount  uint64 `json:"message_count"`
	ZoneLocalMsgs uint64 `json:"zone_local_msg_count,omitempty"`
	RegionMsgs    uint64 `json:"region_local_msg_count,omitempty"`
	GlobalMsgs    uint64 `json:"global_msg_count,omitempty"`
}

func (c *Counts) deliveries() uint64 { return c.ZoneLocalMsgs + c.RegionMsgs + c.GlobalMsgs }

func (c *Counts) add(o *Counts) {
	c.Depth += o.Depth
	c.MemoryDepth += o.MemoryDepth
	c.BackendDepth += o.BackendDepth
	c.MessageCount += o.MessageCount
	c.addDeliveries(o)
}

func (c *Counts) addDeliveries(o *Counts) {
	c.ZoneLocalMsgs += o.ZoneLocalMsgs
	c.RegionMsgs += o.RegionMsgs
	c.GlobalMsgs += o.GlobalMsgs
}

// Topic is a topic on one node, or in the cluster (nsqadmin.md 4.2).
type Topic struct {
	Node      string `json:"node"` // host:port, or Total
	Hostname  string `json:"hostname"`
	TopicName string `json:"topic_name"`
	Counts
	DeliveryMsgCount     uint64     `json:"delivery_msg_count"`
	Nodes                []*Topic   `json:"nodes"`    // of a total: the topic on each node, by hostname
	Channels             []*Channel `json:"channels"` // by name, without clients
	Paused               bool       `json:"paused"`   // on any node
	E2eProcessingLatency *Latency   `json:"e2e_processing_latency"`
	// Limits are those on the one node, if there are any.
	Limits *protocol.LimitStats `json:"limits,omitempty"`
}

// Channel is a channel on one node, or in the cluster (nsqadmin.md 4.3).
type Channel struct {
	Node        string `json:"node"` // host:port, or Total
	Hostname    string `json:"hostname"`
	TopicName   string `json:"topic_name"`
	ChannelName string `json:"channel_name"`
	Counts
	DeliveryMsgCount     uint64     `json:"delivery_msg_count,omitempty"`
	InFlightCount        int64      `json:"in_flight_count"`
	DeferredCount        int64      `json:"deferred_count"`
	RequeueCount         uint64     `json:"requeue_count"`
	TimeoutCount         uint64     `json:"timeout_count"`
	ClientCount          int        `json:"client_count"`
	Nodes                []*Channel `json:"nodes"` // of a total: the channel on each node, by hostname
	Clients              []*Client  `json:"clients"`
	Paused               bool       `json:"paused"` // on any node
	E2eProcessingLatency *Latency   `json:"e2e_processing_latency"`
	// Limits are those on the one node, if there are any.
	Limits *protocol.LimitStats `json:"limits,omitempty"`
}

// Client is a consumer's connection to a channel on one node.
type Client struct {
	Node                          string `json:"node"` // host:port
	RemoteAddress                 string `json:"remote_address"`
	Version                       string `json:"version"`
	ClientID                      string `json:"client_id"`
	Hostname                      string `json:"hostname"`
	UserAgent                     string `json:"user_agent"`
	ConnectTS                     int64  `json:"connect_ts"` // Unix s
	Connected                     int64  `json:"connected"`  // ns since then
	InFlightCount                 int64  `json:"in_flight_count"`
	ReadyCount                    int64  `json:"ready_count"`
	FinishCount                   uint64 `json:"finish_count"`
	RequeueCount                  uint64 `json:"requeue_count"`
	MessageCount                  uint64 `json:"message_count"`
	SampleRate                    int32  `json:"sample_rate"`
	Deflate                       bool   `json:"deflate"`
	Snappy                        bool   `json:"snappy"`
	Authed                        bool   `json:"authed"`
	AuthIdentity                  string `json:"auth_identity"`
	AuthIdentityURL               string `json:"auth_identity_url"`
	NodeTopologyRegion            string `json:"node_topology_region,omitempty"`
	NodeTopologyZone              string `json:"node_topology_zone,omitempty"`
	TopologyRegion                string `json:"topology_region,omitempty"`
	TopologyZone                  string `json:"topology_zone,omitempty"`
	TLS                           bool   `json:"tls"`
	TLSCipherSuite                string `json:"tls_cipher_suite"`
	TLSVersion                    string `json:"tls_version"`
	TLSNegotiatedProtocol         string `json:"tls_negotiated_protocol"`
	TLSNegotiatedProtocolIsMutual bool   `json:"tls_negotiated_protocol_is_mutual"`
}

// closeness ranks a client by where it runs: 0 in its node's zone, 1 in its region, 2 elsewhere.
func (c *Client) closeness() int {
	sameRegion := c.TopologyRegion != "" && c.TopologyRegion == c.NodeTopologyRegion
	switch {
	case sameRegion && c.TopologyZone != "" && c.TopologyZone == c.NodeTopologyZone:
		return 0
	case sameRegion:
		return 1
	}
	return 2
}

// Near says in words that a client runs close to its node; "" if it does not, or nobody says.
func (c *Client) Near() string {
	return [...]string{"zone local", "region local", ""}[c.closeness()]
}

// Plain tells that there is nothing to say of a client's connection.
func (c *Client) Plain() bool {
	return c.SampleRate == 0 && !c.TLS && !c.Deflate && !c.Snappy && !c.Authed && c.TopologyRegion == ""
}

// Count is the number of messages a channel of one node has got (nsqadmin.md 4.6).
type Count struct {
	Node         string `json:"node"`
	TopicName    string `json:"topic_name"`
	ChannelName  string `json:"channel_name"`
	MessageCount uint64 `json:"message_count"`
}
