// Package certstest makes certificates for tests.
package certstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates.
type Authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  crypto.Signer
	der  []byte
}

// NewAuthority returns an authority that has signed itself.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t}
	der, key := a.sign("authority", true, valid)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, a.key, a.der = cert, key, der
	return a
}

// Certificate returns a new certificate for 127.0.0.1 with this common name.
func (a *Authority) Certificate(name string) tls.Certificate {
	a.t.Helper()
	return a.certificate(name, valid)
}

// valid is how long a certificate is good.
const valid = 24 * time.Hour

func (a *Authority) certificate(name string, validFor time.Duration) tls.Certificate {
	der, key := a.sign(name, false, validFor)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Pool returns a pool of the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// WriteFiles writes a new certificate, its key and the authority's certificate
// into a folder, and returns the files' names.
func (a *Authority) WriteFiles(dir, name string) (cert, key, root string) {
	a.t.Helper()
	return a.write(dir, a.Certificate(name))
}

// WriteExpired is WriteFiles with a certificate that was good until a minute ago.
func (a *Authority) WriteExpired(dir, name string) (cert, key, root string) {
	a.t.Helper()
	return a.write(dir, a.certificate(name, -time.Minute))
}

func (a *Authority) write(dir string, c tls.Certificate) (cert, key, root string) {
	private, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, key, root = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "root.pem")
	for file, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: c.Certificate[0]},
		key:  {Type: "PRIVATE KEY", Bytes: private},
		root: {Type: "CERTIFICATE", Bytes: a.der},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	return cert, key, root
}

// sign makes a key and a certificate for it, signed by the authority if there is one yet.
func (a *Authority) sign(name string, authority bool, validFor time.Duration) ([]byte, crypto.Signer) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		a.t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(validFor),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		IsCA:                  authority,
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	parent, signer := cert, crypto.Signer(key)
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	return der, key
}
