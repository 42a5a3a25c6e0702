package stat

import (
	"errors"
	"strings"
	"time"

	"nsqsuite/internal/cluster"
)

// Options are the flags of nsq_stat (tools.md 4).
type Options struct {
	Topic          string        `flag:"topic" group:"Figures" usage:"topic of the channel"`
	Channel        string        `flag:"channel" group:"Figures" usage:"channel to show"`
	Interval       time.Duration `flag:"interval" group:"Figures" usage:"time between two rows"`
	Count          Count         `flag:"count" group:"Figures" usage:"end after so many rows"`
	Nsqds          []string      `flag:"nsqd-http-address" group:"Connections" usage:"nsqd to ask, host:port or https://host:port"`
	Lookupds       []string      `flag:"lookupd-http-address" group:"Connections" usage:"nsqlookupd that knows the nsqd to ask, host:port or https://host:port"`
	ConnectTimeout time.Duration `flag:"http-client-connect-timeout" group:"Connections" usage:"how long connecting may take"`
	RequestTimeout time.Duration `flag:"http-client-request-timeout" group:"Connections" usage:"how long a request may take"`

	TokenFile string `flag:"http-client-token-file" group:"Access" usage:"file with the bearer token that nsqd and nsqlookupd are asked with"`
	RootCA    string `flag:"http-client-tls-root-ca-file" group:"Access" usage:"PEM file of who may have signed their certificates; empty: the system's; read anew when it changes, as the next two"`
	Cert      string `flag:"http-client-tls-cert" group:"Access" usage:"PEM file of the certificate shown to them"`
	Key       string `flag:"http-client-tls-key" group:"Access" usage:"PEM file of its private key"`
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	return &Options{Interval: 2 * time.Second, ConnectTimeout: 2 * time.Second, RequestTimeout: 5 * time.Second}
}

// check says what is wrong with the options.
func (o *Options) check() error {
	switch {
	case o.Topic == "" || o.Channel == "":
		return errors.New("--topic and --channel are required")
	case o.Interval <= 0:
		return errors.New("--interval should be positive")
	case o.ConnectTimeout <= 0:
		return errors.New("--http-client-connect-timeout should be positive")
	case o.RequestTimeout <= 0:
		return errors.New("--http-client-request-timeout should be positive")
	case o.Count.given && o.Count.rows <= 0:
		return errors.New("--count should be positive")
	case len(o.Nsqds) == 0 && len(o.Lookupds) == 0:
		return errors.New("--nsqd-http-address or --lookupd-http-address required")
	case len(o.Nsqds) > 0 && len(o.Lookupds) > 0:
		return errors.New("use --nsqd-http-address or --lookupd-http-address not both")
	}
	if err := checkAddresses("--nsqd-http-address", o.Nsqds); err != nil {
		return err
	}
	return checkAddresses("--lookupd-http-address", o.Lookupds)
}

func checkAddresses(flag string, addresses []string) error {
	for _, a := range addresses {
		if strings.HasPrefix(a, "http://") {
			return errors.New(flag + " error - address should not contain scheme")
		}
	}
	return cluster.CheckAddresses(flag, addresses)
}
