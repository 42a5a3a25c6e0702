package client

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
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
	asker, err := a.asker()
	if err != nil {
		return "", nil, err
	}
	if asker.source != nil {
		config = asker.source.Newest()
	}
	return asker.token, config, nil
}

// asker asks nsqlookupd for the client library, by the files as they are now. It
// is a http.RoundTripper.
type asker struct {
	tokenFile string
	source    *certs.Source // nil: the system's roots

	mu     sync.Mutex
	token  string
	config *tls.Config
	client *httpclient.Client // with token and config; nil before the first question
}

func (a Access) asker() (*asker, error) {
	k := &asker{tokenFile: a.TokenFile}
	var err error
	if k.token, err = httpclient.ReadToken(a.TokenFile); err != nil {
		return nil, fmt.Errorf("failed to read the token - %w", err)
	}
	if a.RootCA == "" && a.Cert == "" && a.Key == "" {
		return k, nil
	}
	files := certs.Files{Cert: a.Cert, Key: a.Key, RootCA: a.RootCA, MinVersion: tls.VersionTLS12}
	if k.source, err = certs.LoadClient(files, logging.Discard()); err != nil {
		return nil, fmt.Errorf("failed to read the certificates - %w", err)
	}
	return k, nil
}

// Bounds of a question to nsqlookupd.
const (
	askConnect = 2 * time.Second
	askTimeout = time.Minute
	maxAnswer  = 16 << 20 // bytes
)

// current returns a client by the newest files. own is the library's token,
// auth_secret, for when there is no file.
func (k *asker) current(own string) (*httpclient.Client, error) {
	token, err := httpclient.ReadToken(k.tokenFile)
	if err != nil {
		return nil, err
	}
	if token == "" {
		token = own
	}
	var config *tls.Config
	if k.source != nil {
		config = k.source.Newest()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.client == nil || token != k.token || config != k.config {
		k.token, k.config = token, config
		k.client = httpclient.New(httpclient.Config{ConnectTimeout: askConnect, RequestTimeout: askTimeout, MaxAnswer: maxAnswer, TLS: config, Token: token})
	}
	return k.client, nil
}

// RoundTrip is http.RoundTripper.
func (k *asker) RoundTrip(r *http.Request) (*http.Response, error) {
	client, err := k.current(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if err != nil {
		return nil, err
	}
	answer, status, err := client.Ask(r.Context(), r.Method, r.URL.String(), "", nil)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status, Request: r,
		Header: http.Header{"X-Nsq-Content-Type": {"nsq; version=1.0"}}, // without it the library expects another form
		Body:   io.NopCloser(bytes.NewReader(answer)),
	}, nil
}
