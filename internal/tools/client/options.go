package client

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nsqio/go-nsq"

	"nsqsuite/internal/certs"
	"nsqsuite/internal/httpclient"
	"nsqsuite/internal/version"
)

// Options are the settings of the client library: the value of --consumer-opt
// and --producer-opt (tools.md 3). The zero value holds the defaults.
type Options struct {
	config    *nsq.Config
	cert, key string // files, if given
}

func (o *Options) set() *nsq.Config {
	if o.config == nil {
		o.config = nsq.NewConfig()
	}
	return o.config
}

// String is pflag.Value.
func (o *Options) String() string { return "" }

// Type is pflag.Value.
func (o *Options) Type() string { return "name,value (may be repeated)" }

// Set is pflag.Value. It takes "name,value", or "name" for "name,true".
func (o *Options) Set(word string) error {
	name, value, ok := strings.Cut(word, ",")
	if !ok {
		value = "true"
	}
	name = strings.ReplaceAll(name, "-", "_")
	if name == "auth_secret_file" { // so that it is in no list of processes
		secret, err := httpclient.ReadToken(value)
		if err != nil {
			return fmt.Errorf("failed to read %s - %w", name, err)
		}
		name, value = "auth_secret", secret
	}
	if err := refuse(name, value); err != nil {
		return err
	}
	c := o.set()
	tls13 := name == "tls_min_version" && value == "tls1.3"
	if tls13 {
		value = "tls1.2" // the library knows none higher
	}
	if err := c.Set(name, value); err != nil {
		return err
	}
	switch name {
	case "tls_cert":
		o.cert = value
	case "tls_key":
		o.key = value
	}
	if c.TlsConfig != nil {
		c.TlsConfig.MaxVersion = 0 // the library stops at TLS 1.2
	}
	if tls13 {
		c.TlsConfig.MinVersion = tls.VersionTLS13
	}
	return nil
}

// highest is what fits for numbers that the library would cut to size in silence.
var highest = map[string]int64{"max_attempts": 65535, "sample_rate": 99}

// refuse returns an error for what the library panics on or misunderstands.
func refuse(name, value string) error {
	switch name {
	case "":
		return errors.New("an option needs a name")
	case "tls_config":
		return fmt.Errorf("invalid option %s", name)
	case "backoff_strategy":
		if value != "exponential" && value != "full_jitter" {
			return fmt.Errorf("failed to coerce option %s (%s) - exponential or full_jitter", name, value)
		}
	case "max_attempts", "sample_rate":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n > highest[name] {
			return fmt.Errorf("invalid %s ! %d > %d", name, n, highest[name])
		}
	}
	return nil
}

// Config returns the library's configuration for a tool. The error says which
// settings do not go together.
func (o *Options) Config(tool string) (*nsq.Config, error) {
	c := o.set()
	c.UserAgent = fmt.Sprintf("%s/%s go-nsq/%s", tool, version.Number, nsq.VERSION)
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if _, random := c.BackoffStrategy.(*nsq.FullJitterStrategy); random && c.BackoffMultiplier <= 0 {
		return nil, errors.New("backoff_strategy full_jitter needs a positive backoff_multiplier")
	}
	return c, o.renew(tool)
}

// renew has the certificate read anew when its files change, which the library
// would read once.
func (o *Options) renew(tool string) error {
	c := o.config.TlsConfig
	if o.cert == "" || o.key == "" || c.GetClientCertificate != nil {
		return nil
	}
	source, err := certs.LoadClient(certs.Files{Cert: o.cert, Key: o.key}, Log(tool))
	if err != nil {
		return err
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return &source.Newest().Certificates[0], nil
	}
	return nil
}
