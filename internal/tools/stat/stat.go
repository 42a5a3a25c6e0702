package stat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"nsqsuite/internal/cluster"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/tools/client"
)

// headerEvery is how many rounds one header serves.
const headerEvery = 25

const header = `------rate------+----------------depth----------------+--------------metadata---------------
ingress  egress |   total     mem    disk inflt   def |     req     t-o         msgs clients
`

// Run prints a row an interval to out until ctx ends or there are enough.
func Run(ctx context.Context, o *Options, out io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	keys, err := client.Access{TokenFile: o.TokenFile, RootCA: o.RootCA, Cert: o.Cert, Key: o.Key}.Load(client.Log("nsq_stat"))
	if err != nil {
		return err
	}
	token, err := keys.Token()
	if err != nil {
		return err
	}
	nodes := cluster.New(cluster.Config{
		Lookupds: o.Lookupds, Nsqds: o.Nsqds, ConnectTimeout: o.ConnectTimeout, RequestTimeout: o.RequestTimeout, Token: token, TLS: keys.TLS,
	}, logging.Discard())
	tick := time.NewTicker(o.Interval)
	defer tick.Stop()
	var last figures
	for round := 0; ; round++ {
		if round%headerEvery == 0 {
			if _, err := io.WriteString(out, header); err != nil {
				return err
			}
		}
		now, err := ask(ctx, nodes, o.Topic, o.Channel)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if round > 0 {
			if _, err := io.WriteString(out, now.row(last, o.Interval)); err != nil {
				return err
			}
		}
		if o.Count.reached(round) {
			return nil
		}
		last = now
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// figures are a channel's, over all nodes.
type figures struct {
	depth, backend, inFlight, deferred int64
	requeued, timedOut, messages       uint64
	clients                            int
}

// row returns a line of the table: f, and the rates since last.
func (f figures) row(last figures, interval time.Duration) string {
	messages := float64(int64(f.messages) - int64(last.messages))
	seconds := interval.Seconds()
	ingress := int64(messages / seconds)
	egress := int64((messages - float64(f.depth-last.depth)) / seconds)
	return fmt.Sprintf("%7d %7d | %7d %7d %7d %5d %5d | %7d %7d %12d %7d\n",
		ingress, egress, f.depth, f.depth-f.backend, f.backend, f.inFlight, f.deferred, f.requeued, f.timedOut, f.messages, f.clients)
}

// ask returns the figures of now. It is an error if any node does not tell.
func ask(ctx context.Context, c *cluster.Cluster, topic, channel string) (figures, error) {
	nodes, warnings, err := c.TopicNodes(ctx, topic)
	if err := whole(warnings, err); err != nil {
		return figures{}, fmt.Errorf("ERROR: failed to get topic producers - %w", err)
	}
	var sum figures
	found := false
	if len(nodes) > 0 {
		reports, warnings, err := c.Reports(ctx, nodes, cluster.Query{Topic: topic, Channel: channel})
		if err := whole(warnings, err); err != nil {
			return figures{}, fmt.Errorf("ERROR: failed to get nsqd stats - %w", err)
		}
		for _, r := range reports {
			found = sum.add(&r, topic, channel) || found
		}
	}
	if !found {
		return figures{}, fmt.Errorf("ERROR: failed to find channel(%s) in stats metadata for topic(%s)", channel, topic)
	}
	return sum, nil
}

// whole makes an error of what cluster only warns of.
func whole(warnings cluster.Warnings, err error) error {
	if err == nil && len(warnings) > 0 {
		err = errors.New(warnings[0])
	}
	return err
}

// add adds what a node says about the channel, if it has it.
func (f *figures) add(r *cluster.Report, topic, channel string) (found bool) {
	for i := range r.Stats.Topics {
		if r.Stats.Topics[i].TopicName != topic {
			continue
		}
		for j := range r.Stats.Topics[i].Channels {
			c := &r.Stats.Topics[i].Channels[j]
			if c.ChannelName != channel {
				continue
			}
			found = true
			f.depth += c.Depth
			f.backend += c.BackendDepth
			f.inFlight += c.InFlightCount
			f.deferred += c.DeferredCount
			f.requeued += c.RequeueCount
			f.timedOut += c.TimeoutCount
			f.messages += c.MessageCount
			f.clients += c.ClientCount
		}
	}
	return found
}
