package certs

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/certs/certstest"
	"nsqsuite/internal/logging"
)

// shake connects a client to a server with this configuration, and returns the
// client's end and the common name that the server shows.
func shake(t *testing.T, server *tls.Config, client *tls.Config) (*tls.Conn, string, error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	a, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	go func() {
		over := tls.Server(b, server)
		io.Copy(over, over) //nolint:errcheck // an echo ends with its client
		b.Close()
	}()
	over := tls.Client(a, client)
	if err := over.Handshake(); err != nil {
		return nil, "", err
	}
	return over, over.ConnectionState().PeerCertificates[0].Subject.CommonName, echo(over, "hello")
}

func echo(c *tls.Conn, text string) error {
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if string(got) != text {
		return errors.New("the echo is another one")
	}
	return nil
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	authority := certstest.NewAuthority(t)
	cert, key, _ := authority.WriteFiles(dir, "first")
	var log bytes.Buffer
	s, err := Load(Files{Cert: cert, Key: key, MinVersion: tls.VersionTLS12}, logging.New(&log, "", logging.Info))
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now()
	change := func(what func()) {
		t.Helper()
		what()
		later = later.Add(time.Minute) // so that the change shows, however coarse the clock of files is
		for _, file := range []string{cert, key} {
			if err := os.Chtimes(file, later, later); err != nil {
				t.Fatal(err)
			}
		}
		s.mu.Lock()
		s.checked = s.checked.Add(-checkEvery)
		s.mu.Unlock()
	}
	client := &tls.Config{RootCAs: authority.Pool(), ServerName: "127.0.0.1"}
	open, name, err := shake(t, s.Config(), client)
	if err != nil || name != "first" {
		t.Fatalf("%q, %v", name, err)
	}
	change(func() { authority.WriteFiles(dir, "second") })
	if _, name, err = shake(t, s.Config(), client); err != nil || name != "second" {
		t.Errorf("%q, %v", name, err)
	}
	if err := echo(open, "still here"); err != nil {
		t.Errorf("what was open: %v", err)
	}
	change(func() {
		if err := os.WriteFile(cert, []byte("rubbish"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if _, name, err = shake(t, s.Config(), client); err != nil || name != "second" {
		t.Errorf("%q, %v", name, err)
	}
	if n := strings.Count(log.String(), "keeping the certificate in use"); n != 1 {
		t.Errorf("the log says:\n%s", &log)
	}
}

func TestClientPolicies(t *testing.T) {
	authority, other := certstest.NewAuthority(t), certstest.NewAuthority(t)
	cert, key, root := authority.WriteFiles(t.TempDir(), "server")
	none := []tls.Certificate(nil)
	ours, foreign := []tls.Certificate{authority.Certificate("c")}, []tls.Certificate{other.Certificate("c")}
	for _, c := range []struct {
		policy Policy
		show   []tls.Certificate
		ok     bool
	}{
		{"", none, true}, {"whatever", none, true},
		{"require", none, false}, {"require", ours, true}, {"require", foreign, true},
		{"require-verify", none, false}, {"require-verify", ours, true}, {"require-verify", foreign, false},
		{"verify", none, true}, {"verify", ours, true}, {"verify", foreign, false},
	} {
		s, err := Load(Files{Cert: cert, Key: key, RootCA: root, ClientPolicy: c.policy, MinVersion: tls.VersionTLS10}, logging.Discard())
		if err != nil {
			t.Fatal(err)
		}
		show := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(c.show) == 0 {
				return &tls.Certificate{}, nil
			}
			return &c.show[0], nil
		}
		_, _, err = shake(t, s.Config(), &tls.Config{RootCAs: authority.Pool(), ServerName: "127.0.0.1", GetClientCertificate: show})
		if (err == nil) != c.ok {
			t.Errorf("%q with %d certificates: %v", c.policy, len(c.show), err)
		}
	}
}

func TestMinVersion(t *testing.T) {
	authority := certstest.NewAuthority(t)
	cert, key, _ := authority.WriteFiles(t.TempDir(), "server")
	for _, word := range []string{"tls1.0", "tls1.1", "TLS1.2", "tls1.3"} {
		var least Version
		if err := least.Set(word); err != nil || !strings.EqualFold(least.String(), word) {
			t.Fatalf("%d, %v", least, err)
		}
		s, err := Load(Files{Cert: cert, Key: key, MinVersion: least}, logging.Discard())
		if err != nil {
			t.Fatal(err)
		}
		for v := uint16(tls.VersionTLS10); v <= tls.VersionTLS13; v++ {
			client := &tls.Config{RootCAs: authority.Pool(), ServerName: "127.0.0.1", MinVersion: tls.VersionTLS10, MaxVersion: v}
			if _, _, err := shake(t, s.Config(), client); (err == nil) != (v >= uint16(least)) {
				t.Errorf("at least %s, a client of %s: %v", word, Version(v), err)
			}
		}
	}
	for _, word := range []string{"ssl3.0", "tls1.4", "1.2", "771"} {
		if err := new(Version).Set(word); err == nil || !strings.Contains(err.Error(), "unknown tlsVersionOption") {
			t.Errorf("%s: %v", word, err)
		}
	}
}

func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key, _ := certstest.NewAuthority(t).WriteFiles(dir, "server")
	rubbish := filepath.Join(dir, "rubbish")
	if err := os.WriteFile(rubbish, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		files Files
		want  error
	}{
		{Files{Cert: cert}, fs.ErrNotExist},
		{Files{Key: key}, fs.ErrNotExist},
		{Files{Cert: rubbish, Key: key}, nil},
		{Files{Cert: cert, Key: key, RootCA: rubbish}, ErrNoCertificate},
		{Files{Cert: cert, Key: key, RootCA: filepath.Join(dir, "none")}, fs.ErrNotExist},
	} {
		if _, err := Load(c.files, logging.Discard()); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c.files, err)
		}
	}
}

// TestClientReload holds that a client's configuration is the same one until its
// files change: roots as well as its own certificate. Broken ones change nothing.
func TestClientReload(t *testing.T) {
	dir := t.TempDir()
	first, second := certstest.NewAuthority(t), certstest.NewAuthority(t)
	cert, key, root := first.WriteFiles(dir, "first")
	var log bytes.Buffer
	s, err := LoadClient(Files{Cert: cert, Key: key, RootCA: root, MinVersion: tls.VersionTLS12}, logging.New(&log, "", logging.Warn))
	if err != nil {
		t.Fatal(err)
	}
	past := func() {
		s.mu.Lock()
		s.checked = s.checked.Add(-checkEvery)
		s.mu.Unlock()
	}
	server := &tls.Config{Certificates: []tls.Certificate{second.Certificate("server")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: second.Pool()}
	try := func() error {
		c := s.Newest().Clone()
		c.ServerName = "127.0.0.1" // as Shake does
		_, _, err := shake(t, server, c)
		return err
	}
	before := s.Newest()
	if err := try(); err == nil {
		t.Error("it believes another authority")
	}
	second.WriteFiles(dir, "second")
	later := time.Now().Add(time.Minute)
	for _, file := range []string{cert, key, root} {
		if err := os.Chtimes(file, later, later); err != nil {
			t.Fatal(err)
		}
	}
	if s.Newest() != before {
		t.Error("another configuration before it is time to look")
	}
	past()
	if err := try(); err != nil || s.Newest() == before {
		t.Errorf("after the change: %v", err)
	}
	past()
	if got := s.Newest(); got != s.Newest() {
		t.Error("another configuration without a change")
	}
	for _, file := range []string{cert, root} {
		if err := os.WriteFile(file, []byte("rubbish"), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			past()
			if err := try(); err != nil {
				t.Errorf("after rubbish: %v", err)
			}
		}
	}
	if n := strings.Count(log.String(), "keeping the certificate in use"); n != 2 { // once for each change
		t.Errorf("the log says:\n%s", &log)
	}
	if _, err := LoadClient(Files{Cert: cert}, logging.Discard()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a certificate without key: %v", err)
	}
}
