package nsqd

import (
	"os"

	"nsqsuite/internal/version"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/lookup"
	"nsqsuite/nsqd/statsd"
	"nsqsuite/protocol"
)

// self is what a nsqlookupd is told of this node.
func (n *NSQD) self(lookupd string) protocol.PeerInfo {
	host, err := os.Hostname()
	if err != nil {
		n.log.Errorf("failed to get hostname - %s", err)
	}
	o := n.options
	info := protocol.PeerInfo{
		BroadcastAddress: o.BroadcastAddress,
		Hostname:         host,
		HTTPPort:         o.BroadcastHTTPPort,
		HTTPSPort:        o.BroadcastHTTPSPort,
		TCPPort:          o.BroadcastTCPPort,
		TopologyRegion:   o.TopologyRegion,
		TopologyZone:     o.TopologyZone,
		Version:          version.Number,
	}
	if a, ok := n.advertised[lookupd]; ok {
		info.BroadcastAddress = a.address
		if a.tcp != 0 {
			info.TCPPort, info.HTTPPort, info.HTTPSPort = a.tcp, a.http, a.https
		}
	}
	return info
}

func (n *NSQD) info() (protocol.Info, error) {
	host, err := os.Hostname()
	o := n.options
	var disk *protocol.Disk
	if free, total, err := vfs.Space(o.DataPath); err != nil {
		n.log.Warnf("failed to ask how much room the data path has - %s", err)
	} else {
		disk = &protocol.Disk{FreeBytes: free, TotalBytes: total}
	}
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
		Features:               []string{protocol.FeaturePeek, protocol.FeatureRedrive, protocol.FeatureLimits},
		Disk:                   disk,
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
