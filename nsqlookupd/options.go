package nsqlookupd

import (
	"os"
	"time"

	"nsqsuite/internal/logging"
)

// Options are nsqlookupd's settings, with their flags and keys in a configuration file.
type Options struct {
	LogLevel  logging.Level  `flag:"log-level" group:"General" usage:"debug, info, warn, error or fatal"`
	LogPrefix string         `flag:"log-prefix" group:"General" usage:"what every log line begins with"`
	LogFormat logging.Format `flag:"log-format" group:"General" usage:"text, or json: an object a line"`

	TCPAddress       string `flag:"tcp-address" group:"Network" usage:"host:port to listen on for nsqd"`
	HTTPAddress      string `flag:"http-address" group:"Network" usage:"host:port to listen on for HTTP"`
	BroadcastAddress string `flag:"broadcast-address" default:"the host's name" group:"Network" usage:"name or address of this host, told to nsqd"`

	HTTPAccessFile string `flag:"http-access-file" group:"Authorisation" usage:"TOML file that says who may use the HTTP API for what, by bearer token; read anew when it changes; empty: everybody may everything"`

	InactiveProducerTimeout time.Duration `flag:"inactive-producer-timeout" group:"Registry" usage:"time without a ping after which an nsqd is not shown any more"`
	TombstoneLifetime       time.Duration `flag:"tombstone-lifetime" group:"Registry" usage:"time for which an nsqd stays hidden from a topic's consumers"`
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return &Options{
		LogLevel:                logging.Info,
		LogPrefix:               "[nsqlookupd] ",
		LogFormat:               logging.Text,
		TCPAddress:              "0.0.0.0:4160",
		HTTPAddress:             "0.0.0.0:4161",
		BroadcastAddress:        host,
		InactiveProducerTimeout: 5 * time.Minute,
		TombstoneLifetime:       45 * time.Second,
	}
}
