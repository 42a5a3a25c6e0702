package protocol

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
)

// PeerInfo is what an nsqd tells a nsqlookupd of itself by IDENTIFY, and what
// the nsqlookupd answers (nsqlookupd.md 2.4).
type PeerInfo struct {
	BroadcastAddress string `json:"broadcast_address"`
	Hostname         string `json:"hostname"`
	HTTPPort         int    `json:"http_port"`
	HTTPSPort        int    `json:"https_port,omitempty"` // not in NSQ
	TCPPort          int    `json:"tcp_port"`
	TopologyRegion   string `json:"topology_region"`
	TopologyZone     string `json:"topology_zone"`
	Version          string `json:"version"`
}

// RegistryInfo is the answer of a nsqlookupd to IDENTIFY.
type RegistryInfo struct {
	BroadcastAddress string `json:"broadcast_address"`
	Hostname         string `json:"hostname"`
	HTTPPort         int    `json:"http_port"`
	HTTPSPort        int    `json:"https_port,omitempty"` // not in NSQ
	TCPPort          int    `json:"tcp_port"`
	Version          string `json:"version"`
}

// Producer is an nsqd as nsqlookupd shows it.
type Producer struct {
	RemoteAddress    string `json:"remote_address"`
	Hostname         string `json:"hostname"`
	BroadcastAddress string `json:"broadcast_address"`
	TCPPort          int    `json:"tcp_port"`
	HTTPPort         int    `json:"http_port"`
	HTTPSPort        int    `json:"https_port,omitempty"` // not in NSQ
	Version          string `json:"version"`
	TopologyZone     string `json:"topology_zone"`
	TopologyRegion   string `json:"topology_region"`
}

// WebPort returns the port of the nsqd's HTTP API by which it is named: the one
// for HTTPS only if there is no other.
func (p *Producer) WebPort() int { return cmp.Or(p.HTTPPort, p.HTTPSPort) }

// Lookup is the JSON of nsqlookupd's GET /lookup.
type Lookup struct {
	Channels  []string   `json:"channels"`
	Producers []Producer `json:"producers"`
}

// Nodes is the JSON of nsqlookupd's GET /nodes.
type Nodes struct {
	Producers []Node `json:"producers"`
}

// Node is an nsqd in Nodes. Tombstones runs parallel to Topics.
type Node struct {
	Producer
	Tombstones []bool   `json:"tombstones"`
	Topics     []string `json:"topics"`
}

// TopicList is the JSON of nsqlookupd's GET /topics.
type TopicList struct {
	Topics []string `json:"topics"`
}

// ChannelList is the JSON of nsqlookupd's GET /channels.
type ChannelList struct {
	Channels []string `json:"channels"`
}

// AppendReply appends an answer of the registry's protocol to dst.
func AppendReply(dst []byte, data string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(data)))
	return append(dst, data...)
}

// ReadReply reads an answer of the registry's protocol of at most limit bytes.
// Memory is taken as by ReadFrame.
func ReadReply(r io.Reader, limit int64) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := int64(int32(binary.BigEndian.Uint32(head[:])))
	if size < 0 || size > limit {
		return nil, fmt.Errorf("%w: size %d", ErrFrame, size)
	}
	return readData(r, int(size))
}
