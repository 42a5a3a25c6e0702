package certs

import (
	"context"
	"crypto/tls"
	"net"
)

// Shake begins TLS, as a client, on a connection to host:port, which it closes if
// that fails. The configuration is not changed.
func Shake(ctx context.Context, conn net.Conn, address string, config *tls.Config) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	config = config.Clone()
	config.ServerName = host
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}
