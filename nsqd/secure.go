package nsqd

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"nsqsuite/internal/access"
	"nsqsuite/internal/certs"
	"nsqsuite/internal/httpclient"
	"nsqsuite/nsqd/auth"
)

// tlsRequired says on which ports clients must use TLS.
type tlsRequired int

// Their numbers are what GET /config/tls_required shows.
const (
	tlsOptional     tlsRequired = iota
	tlsExceptHTTP               // on TCP
	tlsOnTCPAndHTTP             // on both
)

const wordExceptHTTP = "tcp-https"

// String returns the word that Set takes.
func (r tlsRequired) String() string {
	if r == tlsExceptHTTP {
		return wordExceptHTTP
	}
	return strconv.FormatBool(r == tlsOnTCPAndHTTP)
}

// Set is pflag.Value.
func (r *tlsRequired) Set(word string) error {
	word = strings.ToLower(word)
	if word == wordExceptHTTP {
		*r = tlsExceptHTTP
		return nil
	}
	required, err := strconv.ParseBool(word)
	if err != nil {
		return fmt.Errorf("must be true, false or %s", wordExceptHTTP)
	}
	*r = tlsOptional
	if required {
		*r = tlsOnTCPAndHTTP
	}
	return nil
}

// Type is pflag.Value.
func (r *tlsRequired) Type() string { return "mode" }

// IsBoolFlag says that the flag can stand alone.
func (r *tlsRequired) IsBoolFlag() bool { return true }

// tlsVersion is a version of TLS, by its number on the wire.
type tlsVersion uint16

// String returns the word for it.
func (v tlsVersion) String() string { return certs.VersionWord(uint16(v)) }

// Set is pflag.Value.
func (v *tlsVersion) Set(word string) error {
	if word == "" {
		*v = tls.VersionTLS10
		return nil
	}
	n, err := certs.ParseVersion(word)
	if err == nil {
		*v = tlsVersion(n)
	}
	return err
}

// Type is pflag.Value.
func (v *tlsVersion) Type() string { return "version" }

// MarshalJSON shows the number, as GET /config/tls_min_version does.
func (v tlsVersion) MarshalJSON() ([]byte, error) { return json.Marshal(uint16(v)) }

// secure makes of the options what clients and authorisation servers are met
// with, in the order of nsqd-http-and-config.md 2.3.
func (n *NSQD) secure() error {
	o := n.options
	if o.TLSClientAuthPolicy != "" && o.TLSRequired == tlsOptional {
		o.TLSRequired = tlsOnTCPAndHTTP
	}
	if o.TLSCert != "" || o.TLSKey != "" {
		source, err := certs.Load(certs.Files{
			Cert:         o.TLSCert,
			Key:          o.TLSKey,
			RootCA:       o.TLSRootCAFile,
			ClientPolicy: o.TLSClientAuthPolicy,
			MinVersion:   uint16(o.TLSMinVersion),
		}, n.log)
		if err != nil {
			return fmt.Errorf("failed to build TLS config - %w", err)
		}
		n.tls = source.Config()
	}
	if n.tls == nil && o.TLSRequired != tlsOptional {
		return errors.New("cannot require TLS client connections without TLS key and cert")
	}
	if err := n.secureHTTP(); err != nil {
		return err
	}
	roots, err := certs.Pool(o.TLSRootCAFile)
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
			TLS:            &tls.Config{RootCAs: roots, MinVersion: uint16(o.TLSMinVersion)},
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
	if n.token, err = httpclient.ReadToken(o.LookupdHTTPTokenFile); err != nil {
		return fmt.Errorf("--lookupd-http-token-file: %w", err)
	}
	return nil
}
