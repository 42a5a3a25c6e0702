package relay

import (
	"errors"

	"nsqsuite/internal/tools/client"
	"nsqsuite/internal/tools/target"
	"nsqsuite/protocol"
)

// Options are the flags of nsq_to_nsq (tools.md 8).
type Options struct {
	Topics           []string       `flag:"topic" group:"Messages" usage:"topic to publish again"`
	Channel          string         `flag:"channel" group:"Messages" usage:"channel to receive on"`
	RequireField     string         `flag:"require-json-field" group:"Messages" usage:"pass on only JSON objects that have this field"`
	RequireValue     string         `flag:"require-json-value" group:"Messages" usage:"value, a text or a number, that the required field must have"`
	Whitelist        []string       `flag:"whitelist-json-field" group:"Messages" usage:"field of JSON objects to keep; all others are left out"`
	Destinations     []string       `flag:"destination-nsqd-tcp-address" group:"Destinations" usage:"nsqd to publish to, host:port"`
	DestinationTopic string         `flag:"destination-topic" group:"Destinations" usage:"topic to publish to; the message's own by default"`
	Mode             target.Mode    `flag:"mode" group:"Destinations" usage:"how messages are shared out among several nsqd: round-robin, hostpool (passes over those that failed), or epsilon-greedy (prefers the quick ones)"`
	StatusEvery      int            `flag:"status-every" group:"Destinations" usage:"log times after every so many messages; 0 never"`
	Producer         client.Options `flag:"producer-opt" group:"Destinations" usage:"setting of the client library for publishing"`
	Nsqds            []string       `flag:"nsqd-tcp-address" group:"Sources" usage:"nsqd to receive from, host:port"`
	Lookupds         []string       `flag:"lookupd-http-address" group:"Sources" usage:"nsqlookupd that knows the nsqd to receive from, host:port or https://host:port"`
	InFlight         int            `flag:"max-in-flight" group:"Sources" usage:"how many messages of a topic may be unfinished at a time"`
	Consumer         client.Options `flag:"consumer-opt" group:"Sources" usage:"setting of the client library for receiving; note that max_attempts,5 holds: what failed oftener is dropped"`

	client.Access
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	return &Options{Channel: "nsq_to_nsq", Mode: target.HostPool, StatusEvery: 250, InFlight: 200}
}

// check says what is wrong with the options.
func (o *Options) check() error {
	if len(o.Topics) == 0 || o.Channel == "" {
		return errors.New("--topic and --channel are required")
	}
	for _, t := range o.Topics {
		if !protocol.ValidName(t) {
			return errors.New("--topic is invalid")
		}
	}
	switch {
	case o.DestinationTopic != "" && !protocol.ValidName(o.DestinationTopic):
		return errors.New("--destination-topic is invalid")
	case !protocol.ValidName(o.Channel):
		return errors.New("--channel is invalid")
	}
	if err := o.sources().Check(); err != nil {
		return err
	}
	switch {
	case len(o.Destinations) == 0:
		return errors.New("--destination-nsqd-tcp-address required")
	case o.Mode == target.All:
		return errors.New("--mode all is not for nsq_to_nsq: give each destination a channel of its own")
	case o.InFlight <= 0:
		return errors.New("--max-in-flight must be positive")
	}
	return nil
}

func (o *Options) sources() client.Sources {
	return client.Sources{Nsqds: o.Nsqds, Lookupds: o.Lookupds, Access: o.Access}
}
