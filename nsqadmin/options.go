package nsqadmin

import (
	"time"

	"nsqsuite/internal/logging"
)

// Options are nsqadmin's settings, with their flags and keys in a configuration
// file (nsqadmin.md 1).
type Options struct {
	LogLevel  logging.Level  `flag:"log-level" group:"General" usage:"debug, info, warn, error or fatal"`
	LogPrefix string         `flag:"log-prefix" group:"General" usage:"what every log line begins with"`
	LogFormat logging.Format `flag:"log-format" group:"General" usage:"text, or json: an object a line"`

	LookupdHTTPAddresses []string `flag:"lookupd-http-address" toml:"nsqlookupd_http_addresses" group:"Cluster" usage:"host:port of a nsqlookupd's HTTP API, or https://host:port"`
	NsqdHTTPAddresses    []string `flag:"nsqd-http-address" toml:"nsqd_http_addresses" group:"Cluster" usage:"host:port of an nsqd's HTTP API, or https://host:port, instead of a nsqlookupd"`

	HTTPAddress  string `flag:"http-address" group:"Network" usage:"host:port to listen on for HTTP"`
	BasePath     string `flag:"base-path" group:"Network" usage:"URL path under which everything is found"`
	DevStaticDir string `flag:"dev-static-dir" group:"Network" usage:"folder to serve static files from, instead of the built-in ones"`

	ConnectTimeout     time.Duration `flag:"http-client-connect-timeout" group:"Requests to the cluster" usage:"time for connecting to a node"`
	RequestTimeout     time.Duration `flag:"http-client-request-timeout" group:"Requests to the cluster" usage:"time for a request to a node"`
	TokenFile          string        `flag:"http-client-token-file" group:"Requests to the cluster" usage:"file with the bearer token that nodes are asked with, see their --http-access-file"`
	InsecureSkipVerify bool          `flag:"http-client-tls-insecure-skip-verify" group:"Requests to the cluster" usage:"accept any certificate of a node"`
	RootCAFile         string        `flag:"http-client-tls-root-ca-file" group:"Requests to the cluster" usage:"PEM file with the roots of the nodes' certificates; read anew when it changes, as the next two"`
	TLSCert            string        `flag:"http-client-tls-cert" group:"Requests to the cluster" usage:"PEM file with the certificate shown to nodes"`
	TLSKey             string        `flag:"http-client-tls-key" group:"Requests to the cluster" usage:"PEM file with its key"`

	ClusterName  string `flag:"cluster-name" group:"Look" usage:"name of the cluster, shown on every page: prod"`
	ClusterColor string `flag:"cluster-color" group:"Look" usage:"colour of that name: grey, red, amber, green, blue or violet"`

	AllowConfigFromCIDR string   `flag:"allow-config-from-cidr" group:"Access" usage:"network that may use /config; empty: everybody"`
	ACLHTTPHeader       string   `flag:"acl-http-header" group:"Access" usage:"request header with the user's name, set by a trusted proxy"`
	AdminUsers          []string `flag:"admin-user" toml:"admin_users" group:"Access" usage:"user who may change things; none: everybody"`

	Users       []string `flag:"user" toml:"users" group:"Access" usage:"NAME:ROLE:HASH of a user who may log in, the role read or admin, the hash of bcrypt; none: no login"`
	MessagesOff bool     `flag:"messages-off" group:"Access" usage:"do not let admins look at messages, publish, redrive or cancel any"`

	NotificationHTTPEndpoint string `flag:"notification-http-endpoint" group:"Access" usage:"URL that every action is POSTed to"`

	GraphiteURL         string        `flag:"graphite-url" group:"Graphite and statsd" usage:"URL of a Graphite server, for graphs"`
	ProxyGraphite       bool          `flag:"proxy-graphite" group:"Graphite and statsd" usage:"pass requests for graphs on to Graphite"`
	StatsdPrefix        string        `flag:"statsd-prefix" group:"Graphite and statsd" usage:"prefix of nsqd's metrics, %s is the host; as in nsqd"`
	StatsdCounterFormat string        `flag:"statsd-counter-format" group:"Graphite and statsd" usage:"how statsd names a counter"`
	StatsdGaugeFormat   string        `flag:"statsd-gauge-format" group:"Graphite and statsd" usage:"how statsd names a gauge"`
	StatsdInterval      time.Duration `flag:"statsd-interval" group:"Graphite and statsd" usage:"time between two of nsqd's reports to statsd; as in nsqd"`
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	return &Options{
		LogLevel:            logging.Info,
		LogPrefix:           "[nsqadmin] ",
		LogFormat:           logging.Text,
		HTTPAddress:         "0.0.0.0:4171",
		BasePath:            "/",
		ClusterColor:        "grey",
		ConnectTimeout:      2 * time.Second,
		RequestTimeout:      5 * time.Second,
		AllowConfigFromCIDR: "127.0.0.1/8",
		ACLHTTPHeader:       "X-Forwarded-User",
		StatsdPrefix:        "nsq.%s",
		StatsdCounterFormat: "stats.counters.%s.count",
		StatsdGaugeFormat:   "stats.gauges.%s",
		StatsdInterval:      time.Minute,
	}
}
