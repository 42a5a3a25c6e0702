package nsqadmin

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"

	"nsqsuite/internal/certs"
	"nsqsuite/internal/cluster"
	"nsqsuite/internal/httpclient"
	"nsqsuite/internal/logging"
	"nsqsuite/nsqadmin/login"
	"nsqsuite/nsqadmin/ui"
)

// What the command line must not say. The texts are what scripts look for (nsqadmin.md 1).
var (
	errNoCluster   = errors.New("--nsqd-http-address or --lookupd-http-address required")
	errTwoClusters = errors.New("use --nsqd-http-address or --lookupd-http-address not both")
	errNoKey       = errors.New("--http-client-tls-key must be specified with --http-client-tls-cert")
	errColor       = errors.New("--cluster-color must be one of " + strings.Join(ui.Colors, ", "))
	errNoCert      = errors.New("--http-client-tls-cert must be specified with --http-client-tls-key")
)

// settings are what the options come to once they have been checked.
type settings struct {
	tls      *certs.Source
	token    string // nodes are asked with
	graphite *url.URL
	config   *net.IPNet   // who may use /config; nil is everybody
	users    *login.Users // nil: there is no login
	basePath string       // without a slash at the end: "" for the root
}

// check looks at all options, in the order of the spec.
func (o *Options) check(log *logging.Logger) (*settings, error) {
	switch {
	case len(o.NsqdHTTPAddresses) == 0 && len(o.LookupdHTTPAddresses) == 0:
		return nil, errNoCluster
	case len(o.NsqdHTTPAddresses) > 0 && len(o.LookupdHTTPAddresses) > 0:
		return nil, errTwoClusters
	case !slices.Contains(ui.Colors, o.ClusterColor):
		return nil, errColor
	}
	s := &settings{}
	var err error
	if s.token, err = httpclient.ReadToken(o.TokenFile); err != nil {
		return nil, fmt.Errorf("--http-client-token-file: %w", err)
	}
	if s.tls, err = o.clientTLS(log); err != nil {
		return nil, err
	}
	for _, list := range []struct {
		flag      string
		addresses []string
	}{
		{"--lookupd-http-address", o.LookupdHTTPAddresses},
		{"--nsqd-http-address", o.NsqdHTTPAddresses},
	} {
		for _, address := range list.addresses {
			err := cluster.CheckAddress(address)
			if err == nil {
				_, err = net.ResolveTCPAddr("tcp", cluster.Name(address))
			}
			if err != nil {
				return nil, fmt.Errorf("failed to resolve %s (%s) - %w", list.flag, address, err)
			}
		}
	}
	if o.ProxyGraphite {
		if s.graphite, err = url.Parse(o.GraphiteURL); err != nil {
			return nil, fmt.Errorf("failed to parse --graphite-url (%s) - %w", o.GraphiteURL, err)
		}
	}
	if o.AllowConfigFromCIDR != "" {
		if _, s.config, err = net.ParseCIDR(o.AllowConfigFromCIDR); err != nil {
			return nil, fmt.Errorf("failed to parse --allow-config-from-cidr (%s) - %w", o.AllowConfigFromCIDR, err)
		}
	}
	if s.users, err = login.ParseUsers(o.Users); err != nil {
		return nil, fmt.Errorf("failed to parse --user - %w", err)
	}
	s.basePath = path.Clean("/" + o.BasePath)
	if s.basePath == "/" {
		s.basePath = ""
	}
	return s, nil
}

// clientTLS reads how nodes that demand TLS are spoken to.
func (o *Options) clientTLS(log *logging.Logger) (*certs.Source, error) {
	switch {
	case o.TLSCert != "" && o.TLSKey == "":
		return nil, errNoKey
	case o.TLSKey != "" && o.TLSCert == "":
		return nil, errNoCert
	}
	if o.TLSCert != "" {
		if _, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey); err != nil {
			return nil, fmt.Errorf("failed to LoadX509KeyPair %s, %s - %w", o.TLSCert, o.TLSKey, err)
		}
	}
	source, err := certs.LoadClient(certs.Files{Cert: o.TLSCert, Key: o.TLSKey, RootCA: o.RootCAFile, AnyServer: o.InsecureSkipVerify}, log)
	switch {
	case errors.Is(err, certs.ErrNoCertificate):
		return nil, fmt.Errorf("failed to AppendCertsFromPEM %s", o.RootCAFile)
	case err != nil:
		return nil, fmt.Errorf("failed to read TLS root CA file %s - %w", o.RootCAFile, err)
	}
	return source, nil
}
