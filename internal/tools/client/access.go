package client

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"nsqsuite/internal/certs"
	"nsqsuite/internal/httpclient"
	"nsqsuite/internal/logging"
)

// Access is how a nsqlookupd that is not open to everybody is asked over HTTP:
// flags that several tools have, embedded in their options.
type Access struct {
	TokenFile string `flag:"lookupd-http-token-file" group:"Access to nsqlookupd" usage:"file with the bearer token that nsqlookupd is asked with"`
	RootCA    string `flag:"lookupd-tls-root-ca-file" group:"Access to nsqlookupd" usage:"PEM file of who may have signed its certificate; empty: the system's"`
	Cert      string `flag:"lookupd-tls-cert" group:"Access to nsqlookupd" usage:"PEM file of the certificate shown to it"`
	Key       string `flag:"lookupd-tls-key" group:"Access to nsqlookupd" usage:"PEM file of its private key"`
}

// Load reads the files. It returns no configuration of TLS if none is asked for.
func (a Access) Load() (token string, config *tls.Config, err error) {
	if token, err = httpclient.ReadToken(a.TokenFile); err != nil {
		return "", nil, fmt.Errorf("failed to read the token - %w", err)
	}
	if a.RootCA == "" && a.Cert == "" && a.Key == "" {
		return token, nil, nil
	}
	source, err := certs.LoadClient(certs.Files{Cert: a.Cert, Key: a.Key, RootCA: a.RootCA, MinVersion: tls.VersionTLS12}, logging.Discard())
	if err != nil {
		return "", nil, fmt.Errorf("failed to read the certificates - %w", err)
	}
	return token, source.Newest(), nil
}

// Bounds of a question to nsqlookupd.
const (
	askConnect = 2 * time.Second
	askTimeout = time.Minute
	maxAnswer  = 16 << 20 // bytes
)

// RoundTrip is http.RoundTripper, for the client library. It reads the files for
// each question, of which there are few, so that new ones are used at once.
func (a Access) RoundTrip(r *http.Request) (*http.Response, error) {
	token, config, err := a.Load()
	if err != nil {
		return nil, err
	}
	if token == "" { // there may be the library's own, auth_secret
		token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	c := httpclient.New(httpclient.Config{ConnectTimeout: askConnect, RequestTimeout: askTimeout, MaxAnswer: maxAnswer, TLS: config, Token: token})
	answer, status, err := c.Ask(r.Context(), r.Method, r.URL.String(), nil)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status, Request: r,
		Header: http.Header{"X-Nsq-Content-Type": {"nsq; version=1.0"}}, // without it the library expects another form
		Body:   io.NopCloser(bytes.NewReader(answer)),
	}, nil
}
