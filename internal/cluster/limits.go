package cluster

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"nsqsuite/protocol"
)

// Limits asks a node for the limits of a topic, or of one of its channels. Only
// nodes that announce protocol.FeatureLimits can be asked.
func (c *Cluster) Limits(ctx context.Context, n *Node, topic, channel string) (*protocol.Limited, error) {
	l := new(protocol.Limited)
	path, q := limitsOf(topic, channel)
	return l, c.client.get(ctx, nsqd, n.target(), path, q, l)
}

// limitsOf returns where a node shows and takes the limits of a topic or channel.
func limitsOf(topic, channel string) (path string, q url.Values) {
	if channel == "" {
		return "/topic/limits", url.Values{"topic": {topic}}
	}
	return "/channel/limits", url.Values{"topic": {topic}, "channel": {channel}}
}

// setLimits sets the parameters by which a node is told limits: all of them, as an
// empty one means that its flags hold.
func setLimits(q url.Values, own protocol.OwnLimits) {
	for _, name := range []string{"max_age", "max_depth", "max_bytes", "overflow"} {
		q.Set(name, "")
	}
	if own.MaxAge != nil {
		q.Set("max_age", time.Duration(*own.MaxAge).String())
	}
	if own.MaxDepth != nil {
		q.Set("max_depth", strconv.FormatInt(*own.MaxDepth, 10))
	}
	if own.MaxBytes != nil {
		q.Set("max_bytes", strconv.FormatInt(*own.MaxBytes, 10))
	}
	if own.Overflow != nil {
		q.Set("overflow", own.Overflow.String())
	}
}
