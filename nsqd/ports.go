package nsqd

import (
	"cmp"
	"fmt"
	"net"

	"nsqsuite/internal/tcpserve"
	"nsqsuite/nsqd/statsd"
)

// listen opens all ports, and completes the options that tell of them.
func (n *NSQD) listen() (err error) {
	o := n.options
	if n.tcpListener, err = tcpserve.Listen(o.TCPAddress); err != nil {
		return err
	}
	if o.HTTPAddress != "" {
		if n.httpListener, err = tcpserve.Listen(o.HTTPAddress); err != nil {
			return err
		}
	}
	if err := n.listenHTTPS(); err != nil {
		return err
	}
	if o.BroadcastTCPPort == 0 {
		o.BroadcastTCPPort = max(port(n.tcpListener), 0)
	}
	plain := max(port(n.httpListener), 0)
	if o.BroadcastHTTPPort == 0 {
		o.BroadcastHTTPPort = plain
	}
	if o.BroadcastHTTPSPort == 0 && (plain == 0 || plain == o.BroadcastHTTPPort) { // or ports are others outside
		o.BroadcastHTTPSPort = port(n.httpsListener)
	}
	o.StatsdPrefix = statsd.Prefix(o.StatsdPrefix, o.BroadcastAddress, cmp.Or(o.BroadcastHTTPPort, o.BroadcastHTTPSPort))
	return nil
}

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

func (n *NSQD) serveTCP() error {
	n.log.Infof("TCP: listening on %s", n.tcpListener.Addr())
	err := n.tcp.Serve()
	n.log.Infof("TCP: closing %s", n.tcpListener.Addr())
	return err
}

// TCPAddr returns the address that clients can connect to.
func (n *NSQD) TCPAddr() net.Addr { return n.tcpListener.Addr() }

// HTTPAddr returns the address of the HTTP API, or nil.
func (n *NSQD) HTTPAddr() net.Addr {
	if n.httpListener == nil {
		return nil
	}
	return n.httpListener.Addr()
}

// port returns the port that l listens on, 0 without listener, -1 on a Unix socket.
func port(l net.Listener) int {
	if l == nil {
		return 0
	}
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return -1
}
