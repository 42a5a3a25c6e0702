package client

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
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
	RootCA    string `flag:"lookupd-tls-root-ca-file" group:"Access to nsqlookupd" usage:"PEM file of who may have signed its certificate; empty: the system's; read anew when it changes, as the next two"`
	Cert      string `flag:"lookupd-tls-cert" group:"Access to nsqlookupd" usage:"PEM file of the certificate shown to it"`
	Key       string `flag:"lookupd-tls-key" group:"Access to nsqlookupd" usage:"PEM file of its private key"`
}

// Log returns where a tool without a log of its own says what is wrong.
func Log(tool string) *logging.Logger { return logging.New(os.Stderr, "["+tool+"] ", logging.Warn) }

// Bounds of a question to nsqlookupd.
const (
	askConnect = 2 * time.Second
	askTimeout = time.Minute
	maxAnswer  = 16 << 20 // bytes
)

// Keys are the files of an Access, which are read anew when they change. As a
// http.RoundTripper they ask nsqlookupd for the client library.
type Keys struct {
	tokenFile string
	source    *certs.Source
	client    *httpclient.Client
}

// Load reads the files. Ones that can be used no more later are a line in the log.
func (a Access) Load(log *logging.Logger) (*Keys, error) {
	if _, err := httpclient.ReadToken(a.TokenFile); err != nil {
		return nil, fmt.Errorf("failed to read the token - %w", err)
	}
	source, err := certs.LoadClient(certs.Files{Cert: a.Cert, Key: a.Key, RootCA: a.RootCA, MinVersion: tls.VersionTLS12}, log)
	if err != nil {
		return nil, fmt.Errorf("failed to read the certificates - %w", err)
	}
	asker := httpclient.New(httpclient.Config{ConnectTimeout: askConnect, RequestTimeout: askTimeout, MaxAnswer: maxAnswer, TLS: source.Newest})
	return &Keys{tokenFile: a.TokenFile, source: source, client: asker}, nil
}

// Token returns the token as it is in its file now.
func (k *Keys) Token() (string, error) { return httpclient.ReadToken(k.tokenFile) }

// TLS returns how TLS is spoken by the files as they are now.
func (k *Keys) TLS() *tls.Config { return k.source.Newest() }

// RoundTrip is http.RoundTripper. The library's own token, auth_secret, counts
// where there is no file.
func (k *Keys) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := k.Token()
	if err != nil {
		return nil, err
	}
	token = cmp.Or(token, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	answer, status, err := k.client.WithToken(token).Ask(r.Context(), r.Method, r.URL.String(), "", nil)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status, Request: r,
		Header: http.Header{"X-Nsq-Content-Type": {"nsq; version=1.0"}}, // without it the library expects another form
		Body:   io.NopCloser(bytes.NewReader(answer)),
	}, nil
}
