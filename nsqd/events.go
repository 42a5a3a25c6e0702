package nsqd

import (
	"errors"
	"time"

	"nsqsuite/nsqd/broker"
	"nsqsuite/nsqd/lookup"
	"nsqsuite/protocol"
)

func (n *NSQD) changed(c broker.Change) {
	n.lookup.Notify(lookup.Change{Registration: lookup.Registration{Topic: c.Topic, Channel: c.Channel}, Gone: c.Gone})
	if c.Gone {
		n.redriver.Forget(c.Topic, c.Channel)
		n.latency.Forget(c.Topic, c.Channel)
		n.times.Forget(c.Topic, c.Channel)
	}
	if !protocol.IsEphemeral(c.Topic) && !protocol.IsEphemeral(c.Channel) {
		n.metadata.changed()
	}
}

// finished returns what takes the ages of finished messages, or nil if nobody wants them.
func (n *NSQD) finished() func(topic, channel string, ages, held []int64) {
	percentiles := func(topic, channel string, ages, _ []int64) { n.latency.Finished(topic, channel, ages, time.Now()) }
	switch {
	case n.latency == nil && n.times == nil:
		return nil
	case n.times == nil:
		return percentiles
	case n.latency == nil:
		return n.times.Finished
	}
	return func(topic, channel string, ages, held []int64) {
		percentiles(topic, channel, ages, held)
		n.times.Finished(topic, channel, ages, held)
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
