package publish

import (
	"errors"

	"nsqsuite/internal/tools/client"
)

// Options are the flags of to_nsq (tools.md 9).
type Options struct {
	Topic     string         `flag:"topic" group:"Messages" usage:"topic to publish to"`
	Delimiter string         `flag:"delimiter" group:"Messages" usage:"the byte that ends a message; a newline by default"`
	Rate      int64          `flag:"rate" group:"Messages" usage:"how many messages a second to publish at most; 0 is any number"`
	Nsqds     []string       `flag:"nsqd-tcp-address" group:"Connections" usage:"nsqd to publish to, host:port; each gets all messages"`
	Producer  client.Options `flag:"producer-opt" group:"Connections" usage:"setting of the client library"`
}

// NewOptions returns the defaults.
func NewOptions() *Options { return &Options{Delimiter: "\n"} }

// check says what is wrong with the options.
func (o *Options) check() error {
	switch {
	case o.Topic == "":
		return errors.New("--topic required")
	case len(o.Delimiter) != 1:
		return errors.New("--delimiter must be a single byte")
	case len(o.Nsqds) == 0:
		return errors.New("--nsqd-tcp-address required")
	case o.Rate < 0:
		return errors.New("--rate must not be negative")
	}
	return nil
}
