package cluster

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"nsqsuite/protocol"
)

// Publish publishes messages to a topic on one node, to be delivered after a
// delay. Several at once are published all or none, unless they are delayed.
func (c *Cluster) Publish(ctx context.Context, n *Node, topic string, delay time.Duration, bodies [][]byte) Outcome {
	start, to := time.Now(), n.direct()
	err := c.publish(ctx, to, topic, delay, bodies)
	return Outcome{Who: nsqd, Address: to.name, Took: time.Since(start), Err: err}
}

func (c *Cluster) publish(ctx context.Context, to target, topic string, delay time.Duration, bodies [][]byte) error {
	q := url.Values{"topic": {topic}}
	if delay > 0 {
		q.Set("defer", strconv.FormatInt(delay.Milliseconds(), 10))
	} else if len(bodies) > 1 {
		return c.client.post(ctx, nsqd, to, "/mpub", q, bytes.Join(bodies, []byte("\n")))
	}
	for _, body := range bodies {
		if err := c.client.post(ctx, nsqd, to, "/pub", q, body); err != nil {
			return err
		}
	}
	return nil
}

// PeekQuery says which messages of a channel are wanted.
type PeekQuery struct {
	Topic, Channel string
	State          string // where they are: protocol.PeekReady and so on
	From           string // the Next of an earlier answer; "" begins with the first
	Limit          int
	MaxBody        int // bytes of each body; 0 is the node's default
}

// Peek asks a node for copies of a channel's messages. It changes nothing about
// them. Only nodes that announce protocol.FeaturePeek can be asked.
func (c *Cluster) Peek(ctx context.Context, n *Node, what PeekQuery) (*protocol.Peek, error) {
	q := url.Values{"topic": {what.Topic}, "channel": {what.Channel}, "state": {what.State}, "limit": {strconv.Itoa(what.Limit)}}
	if what.From != "" {
		q.Set("from", what.From)
	}
	if what.MaxBody > 0 {
		q.Set("max_body", strconv.Itoa(what.MaxBody))
	}
	peek := new(protocol.Peek)
	return peek, c.client.get(ctx, nsqd, n.direct(), "/channel/peek", q, peek)
}

// Redrive asks a node how far the redrive of a channel is. The error is
// ErrNoRedrive if there is none. Only nodes that announce
// protocol.FeatureRedrive can be asked.
func (c *Cluster) Redrive(ctx context.Context, n *Node, topic, channel string) (*protocol.Redrive, error) {
	p := new(protocol.Redrive)
	err := c.client.get(ctx, nsqd, n.target(), "/channel/redrive", url.Values{"topic": {topic}, "channel": {channel}}, p)
	if status := (*StatusError)(nil); errors.As(err, &status) && status.Code == http.StatusNotFound {
		return nil, ErrNoRedrive
	}
	return p, err
}
