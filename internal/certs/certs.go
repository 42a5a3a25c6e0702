// Package certs makes the TLS configuration of a server, or of a client, of
// certificate files, and takes new files into use while it runs: what is open
// stays open, new connections are begun by the new ones.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"nsqsuite/internal/logging"
)

// Files says which certificate is shown, and which ones are believed.
type Files struct {
	Cert, Key    string // PEM files; a client need not have any
	RootCA       string // PEM file of those who may have signed the other end's certificate; empty: the system's
	ClientPolicy Policy // of a server
	MinVersion   Version
	AnyServer    bool // a client believes whatever it is shown
}

// Server returns the configuration of a server by its files, or nil if there are
// none. A policy that demands TLS raises required; that cannot do without files.
func Server(f Files, required *Required, log *logging.Logger) (*tls.Config, error) {
	if f.ClientPolicy.Demands() && *required == Optional {
		*required = Everywhere
	}
	if f.Cert == "" && f.Key == "" {
		if *required != Optional {
			return nil, errors.New("cannot require TLS client connections without TLS key and cert")
		}
		return nil, nil
	}
	source, err := Load(f, log)
	if err != nil {
		return nil, fmt.Errorf("failed to build TLS config - %w", err)
	}
	return source.Config(), nil
}

// checkEvery is how often at most the files are looked at.
const checkEvery = time.Second

// Source gives out the configuration.
type Source struct {
	files Files
	load  func() (*tls.Config, error)
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

// Load reads a server's files. The error says what is wrong with them.
func Load(f Files, log *logging.Logger) (*Source, error) { return load(f, f.server, log) }

// LoadClient reads a client's files, likewise.
func LoadClient(f Files, log *logging.Logger) (*Source, error) { return load(f, f.client, log) }

func load(f Files, read func() (*tls.Config, error), log *logging.Logger) (*Source, error) {
	s := &Source{files: f, load: read, log: log, checked: time.Now()}
	s.seen = s.look()
	var err error
	s.current, err = read()
	return s, err
}

// Config returns a server's configuration that always leads to the newest files.
func (s *Source) Config() *tls.Config {
	return &tls.Config{
		MinVersion:         uint16(s.files.MinVersion),
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.Newest(), nil },
	}
}

// Newest returns the configuration of the files as they are now: the same one
// until they change. Files that cannot be used are logged once, and the ones
// before stay in use.
func (s *Source) Newest() *tls.Config {
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
	config, err := s.load()
	if err != nil {
		s.log.Errorf("TLS: keeping the certificate in use - %s", err)
		return s.current
	}
	s.log.Infof("TLS: reloaded %s", strings.Join(s.files.names(), ", "))
	s.current = config
	return config
}

func (s *Source) look() (seen [3]state) {
	for i, name := range s.files.names() {
		if info, err := os.Stat(name); err == nil {
			seen[i] = state{info.ModTime(), info.Size()}
		}
	}
	return seen
}

// names returns the files there are.
func (f *Files) names() []string {
	return slices.DeleteFunc([]string{f.Cert, f.Key, f.RootCA}, func(name string) bool { return name == "" })
}

func (f *Files) server() (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: uint16(f.MinVersion), ClientAuth: f.ClientPolicy.clientAuth()}
	config.ClientCAs, err = poolOf(f.RootCA)
	return config, err
}

func (f *Files) client() (*tls.Config, error) {
	roots, err := poolOf(f.RootCA)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: roots, MinVersion: uint16(f.MinVersion), InsecureSkipVerify: f.AnyServer}
	if f.Cert != "" || f.Key != "" {
		cert, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{cert}
	}
	return config, nil
}

// ErrNoCertificate says that a file holds no certificate.
var ErrNoCertificate = errors.New("failed to append certificate to pool")

// poolOf returns the certificates in a PEM file, or nil if file is empty.
func poolOf(file string) (*x509.CertPool, error) {
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
