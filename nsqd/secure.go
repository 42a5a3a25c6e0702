package nsqd

import (
	"crypto/tls"
	"fmt"
	"net"

	"nsqsuite/internal/httpapi"
)

// secure is what the TLS options come to.
type secure struct {
	config *tls.Config // nil: no certificate, no HTTPS
	// onlyHTTPS refuses everything over plain HTTP.
	onlyHTTPS bool
}

// listenHTTPS listens if there is a certificate and an address.
func (n *NSQD) listenHTTPS() (err error) {
	address := n.options.HTTPSAddress
	if n.secure.config == nil || address == "" {
		return nil
	}
	if n.httpsListener, err = net.Listen("tcp", address); err != nil {
		return fmt.Errorf("listen (%s) failed - %w", address, err)
	}
	return nil
}

// wireHTTP makes the servers of the HTTP API: the same routes over TLS and, unless
// that is refused, in clear.
func (n *NSQD) wireHTTP() {
	if n.httpsListener != nil {
		n.https = httpapi.NewServer("HTTPS", tls.NewListener(n.httpsListener, n.secure.config), n.api, n.log)
	}
	switch {
	case n.httpListener == nil:
	case n.secure.onlyHTTPS:
		n.http = httpapi.NewServer("HTTP", n.httpListener, httpapi.TLSRequired(port(n.httpsListener)), n.log)
	default:
		n.http = httpapi.NewServer("HTTP", n.httpListener, n.api, n.log)
	}
}
