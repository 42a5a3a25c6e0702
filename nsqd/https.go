package nsqd

import (
	"crypto/tls"
	"fmt"
	"net"

	"nsqsuite/internal/httpapi"
)

// listenHTTPS listens if there is a certificate and an address.
func (n *NSQD) listenHTTPS() (err error) {
	address := n.options.HTTPSAddress
	if n.tls == nil || address == "" {
		return nil
	}
	if n.httpsListener, err = net.Listen("tcp", address); err != nil {
		return fmt.Errorf("listen (%s) failed - %w", address, err)
	}
	return nil
}

// wireHTTP makes the servers of the HTTP API: the same routes over TLS and, unless
// TLS is demanded, in clear.
func (n *NSQD) wireHTTP() {
	if n.httpsListener != nil {
		n.https = httpapi.NewServer("HTTPS", tls.NewListener(n.httpsListener, n.tls), n.api, n.log)
	}
	switch {
	case n.httpListener == nil:
	case n.options.TLSRequired == tlsOnTCPAndHTTP:
		n.http = httpapi.NewServer("HTTP", n.httpListener, httpapi.TLSRequired(port(n.httpsListener)), n.log)
	default:
		n.http = httpapi.NewServer("HTTP", n.httpListener, n.api, n.log)
	}
}

// web returns the HTTP servers there are.
func (n *NSQD) web() []*httpapi.Server {
	var list []*httpapi.Server
	for _, server := range []*httpapi.Server{n.http, n.https} {
		if server != nil {
			list = append(list, server)
		}
	}
	return list
}
