package nsqd

import (
	"crypto/tls"
	"errors"
	"fmt"

	"nsqsuite/internal/access"
	"nsqsuite/internal/certs"
	"nsqsuite/internal/httpclient"
	"nsqsuite/nsqd/auth"
)

// secure makes of the options what clients and authorisation servers are met
// with, in the order of nsqd-http-and-config.md 2.3.
func (n *NSQD) secure() (err error) {
	o := n.options
	if n.tls, err = certs.Server(certs.Files{
		Cert:         o.TLSCert,
		Key:          o.TLSKey,
		RootCA:       o.TLSRootCAFile,
		ClientPolicy: certs.Policy(o.TLSClientAuthPolicy),
		MinVersion:   o.TLSMinVersion,
	}, &o.TLSRequired, n.log); err != nil {
		return err
	}
	if err := n.secureHTTP(); err != nil {
		return err
	}
	believed, err := certs.LoadClient(certs.Files{RootCA: o.TLSRootCAFile, MinVersion: o.TLSMinVersion}, n.log)
	if err != nil {
		return fmt.Errorf("failed to build client TLS config - %w", err)
	}
	if o.AuthHTTPRequestMethod != "get" && o.AuthHTTPRequestMethod != "post" {
		return errors.New("--auth-http-request-method must be post or get")
	}
	n.auth = auth.New(auth.Config{
		Addresses: o.AuthHTTPAddresses,
		Post:      o.AuthHTTPRequestMethod == "post",
		HTTP: httpclient.Config{
			ConnectTimeout: o.HTTPClientConnectTimeout,
			RequestTimeout: o.HTTPClientRequestTimeout,
			TLS:            believed.Newest,
		},
	})
	return nil
}

// secureHTTP reads who may use the HTTP API, and how nsqlookupd's is used.
func (n *NSQD) secureHTTP() (err error) {
	o := n.options
	if o.HTTPAccessFile != "" {
		if n.guard, err = access.Load(o.HTTPAccessFile, n.log); err != nil {
			return fmt.Errorf("--http-access-file: %w", err)
		}
	}
	if err := n.secureLookup(); err != nil {
		return err
	}
	if n.token, err = httpclient.ReadToken(o.LookupdHTTPTokenFile); err != nil {
		return fmt.Errorf("--lookupd-http-token-file: %w", err)
	}
	return nil
}

// secureLookup makes of the options how nsqlookupd are spoken to over TLS.
func (n *NSQD) secureLookup() error {
	o := n.options
	if !o.LookupdTLS {
		if o.LookupdTLSRootCAFile != "" || o.LookupdTLSCert != "" || o.LookupdTLSKey != "" {
			return errors.New("--lookupd-tls-… have no meaning without --lookupd-tls")
		}
		return nil
	}
	source, err := certs.LoadClient(certs.Files{
		Cert:       o.LookupdTLSCert,
		Key:        o.LookupdTLSKey,
		RootCA:     o.LookupdTLSRootCAFile,
		MinVersion: tls.VersionTLS12,
	}, n.log)
	if err != nil {
		return fmt.Errorf("--lookupd-tls: %w", err)
	}
	n.lookupTLS = source.Newest
	return nil
}
