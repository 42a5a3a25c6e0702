package tail

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"nsqsuite/internal/tools/client"
)

// Options are the flags of nsq_tail (tools.md 5).
type Options struct {
	Topics     []string       `flag:"topic" group:"Messages" usage:"topic to print"`
	Channel    string         `flag:"channel" group:"Messages" usage:"channel to receive on; by default one of its own that goes when nsq_tail ends, so that all consumers get all messages as well"`
	Count      int            `flag:"n" group:"Messages" usage:"end after so many messages of a topic; 0 goes on"`
	PrintTopic bool           `flag:"print-topic" group:"Messages" usage:"print the topic before each message"`
	Nsqds      []string       `flag:"nsqd-tcp-address" group:"Connections" usage:"nsqd to receive from, host:port"`
	Lookupds   []string       `flag:"lookupd-http-address" group:"Connections" usage:"nsqlookupd that knows the nsqd to receive from, host:port or https://host:port"`
	InFlight   int            `flag:"max-in-flight" group:"Connections" usage:"how many messages may be on their way at a time"`
	Consumer   client.Options `flag:"consumer-opt" group:"Connections" usage:"setting of the client library; note that max_attempts,5 holds: what was delivered oftener is dropped unprinted"`

	client.Access
}

// NewOptions returns the defaults.
func NewOptions() *Options { return &Options{InFlight: 200} }

// check says what is wrong with the options, and fills in the channel.
func (o *Options) check() error {
	if err := o.sources().Check(); err != nil {
		return err
	}
	switch {
	case len(o.Topics) == 0:
		return errors.New("--topic required")
	case o.Count < 0:
		return errors.New("-n must not be negative")
	case o.InFlight <= 0:
		return errors.New("--max-in-flight must be positive")
	}
	if o.Channel == "" {
		o.Channel = fmt.Sprintf("tail%06d#ephemeral", rand.IntN(1_000_000))
	}
	return nil
}

func (o *Options) sources() client.Sources {
	return client.Sources{Nsqds: o.Nsqds, Lookupds: o.Lookupds, Access: o.Access}
}
