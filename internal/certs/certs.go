// Package certs makes the TLS configuration of a server of certificate files,
// and takes new files into use while the server runs: what is open stays open,
// new connections get the new certificate.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"nsqsuite/internal/logging"
)

// Files says which certificate a server shows, and which it wants to see.
type Files struct {
	Cert, Key    string // PEM files
	RootCA       string // PEM file of those who may have signed clients' certificates; empty: the system's
	ClientPolicy string // "require", "require-verify"; anything else: none is asked for
	MinVersion   uint16 // of TLS
}

// checkEvery is how often at most the files are looked at.
const checkEvery = time.Second

// Source gives out the configuration.
type Source struct {
	files Files
	log   *logging.Logger

	mu      sync.Mutex
	current *tls.Config
	checked time.Time
	seen    [3]state
}

// state is by what a changed file is known.
type state struct {
	modified time.Time
	size     int64
}

// Load reads the files. The error says what is wrong with them.
func Load(f Files, log *logging.Logger) (*Source, error) {
	s := &Source{files: f, log: log, checked: time.Now()}
	s.seen = s.look()
	var err error
	s.current, err = f.load()
	return s, err
}

// Config returns a configuration that always leads to the newest files.
func (s *Source) Config() *tls.Config {
	return &tls.Config{
		MinVersion:         s.files.MinVersion,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.newest(), nil },
	}
}

// newest reads the files anew if they have changed. Files that cannot be used
// are logged once, and the ones before stay in use.
func (s *Source) newest() *tls.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.checked) < checkEvery {
		return s.current
	}
	s.checked = time.Now()
	seen := s.look()
	if seen == s.seen {
		return s.current
	}
	s.seen = seen
	config, err := s.files.load()
	if err != nil {
		s.log.Errorf("TLS: keeping the certificate in use - %s", err)
		return s.current
	}
	s.log.Infof("TLS: the certificate has been reloaded from %s", s.files.Cert)
	s.current = config
	return config
}

func (s *Source) look() (seen [3]state) {
	for i, name := range []string{s.files.Cert, s.files.Key, s.files.RootCA} {
		if info, err := os.Stat(name); err == nil {
			seen[i] = state{info.ModTime(), info.Size()}
		}
	}
	return seen
}

func (f *Files) load() (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: f.MinVersion}
	if config.ClientCAs, err = Pool(f.RootCA); err != nil {
		return nil, err
	}
	switch f.ClientPolicy {
	case "require":
		config.ClientAuth = tls.RequireAnyClientCert
	case "require-verify":
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}

// ErrNoCertificate says that a file holds no certificate.
var ErrNoCertificate = errors.New("failed to append certificate to pool")

// Pool returns the certificates in a PEM file, or nil if file is empty.
func Pool(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, ErrNoCertificate
	}
	return pool, nil
}

// ParseVersion returns the TLS version of a word such as tls1.2, in any case.
func ParseVersion(word string) (uint16, error) {
	for v := uint16(tls.VersionTLS10); v <= tls.VersionTLS13; v++ {
		if strings.EqualFold(word, VersionWord(v)) {
			return v, nil
		}
	}
	return 0, fmt.Errorf("unknown tlsVersionOption %q", word)
}

// VersionWord returns the word that ParseVersion takes for a TLS version.
func VersionWord(v uint16) string { return fmt.Sprintf("tls1.%d", v-tls.VersionTLS10) }
