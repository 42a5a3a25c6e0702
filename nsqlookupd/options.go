package nsqlookupd

import (
	"crypto/tls"
	"os"
	"time"

	"nsqsuite/internal/certs"
	"nsqsuite/internal/logging"
)

// Options are nsqlookupd's settings, with their flags and keys in a configuration file.
type Options struct {
	LogLevel  logging.Level  `flag:"log-level" group:"General" usage:"debug, info, warn, error or fatal"`
	LogPrefix string         `flag:"log-prefix" group:"General" usage:"what every log line begins with"`
	LogFormat logging.Format `flag:"log-format" group:"General" usage:"text, or json: an object a line"`

	TCPAddress       string `flag:"tcp-address" group:"Network" usage:"host:port to listen on for nsqd"`
	HTTPAddress      string `flag:"http-address" group:"Network" usage:"host:port to listen on for HTTP"`
	HTTPSAddress     string `flag:"https-address" group:"Network" usage:"host:port to listen on for HTTPS, if there is a certificate; empty: none"`
	BroadcastAddress string `flag:"broadcast-address" default:"the host's name" group:"Network" usage:"name or address of this host, told to nsqd"`

	TLSCert             string         `flag:"tls-cert" group:"TLS" usage:"PEM file of this nsqlookupd's certificate, for nsqd and over HTTPS; read anew when it changes"`
	TLSKey              string         `flag:"tls-key" group:"TLS" usage:"PEM file of its private key"`
	TLSRequired         certs.Required `flag:"tls-required" group:"TLS" usage:"refuse nsqd and HTTP without TLS: true, false, or tcp-https, which lets plain HTTP be"`
	TLSClientAuthPolicy string         `flag:"tls-client-auth-policy" group:"TLS" usage:"require: nsqd and HTTP clients show a certificate; require-verify: one that --tls-root-ca-file has signed; either requires TLS; verify: like the latter, but who has none may do without"`
	TLSRootCAFile       string         `flag:"tls-root-ca-file" group:"TLS" usage:"PEM file of who may have signed the certificates of clients; empty: the system's; read anew when it changes"`
	TLSMinVersion       certs.Version  `flag:"tls-min-version" group:"TLS" usage:"lowest version: tls1.0, tls1.1, tls1.2 or tls1.3"`

	HTTPAccessFile string `flag:"http-access-file" group:"Authorisation" usage:"TOML file that says who may use the HTTP API for what, by bearer token or certificate; read anew when it changes; empty: everybody may everything"`

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
		HTTPSAddress:            "0.0.0.0:4162",
		TLSMinVersion:           tls.VersionTLS12,
		BroadcastAddress:        host,
		InactiveProducerTimeout: 5 * time.Minute,
		TombstoneLifetime:       45 * time.Second,
	}
}
