package layers

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"
)

// Conn is a socket with its layers. One goroutine may read while another writes;
// layers are added while nobody does either. Deadlines and Close are the socket's.
type Conn struct {
	net.Conn
	tls    *tls.Conn
	reader io.Reader // of the topmost layer
	packer packer    // nil: no compression
}

// packer compresses what is written.
type packer interface {
	// pack writes what stands for bufs to out, whole.
	pack(out *bufio.Writer, bufs net.Buffers) error
	// rest is free if little has been packed since it was called last.
	rest()
	// free gives up what memory can be borrowed again.
	free()
}

// New returns a socket without layers.
func New(socket net.Conn) *Conn { return &Conn{Conn: socket, reader: socket} }

// Plain tells whether there are no layers.
func (c *Conn) Plain() bool { return c.tls == nil && c.packer == nil }

// TLS returns the state of the TLS layer, or nil.
func (c *Conn) TLS() *tls.ConnectionState {
	if c.tls == nil {
		return nil
	}
	state := c.tls.ConnectionState()
	return &state
}

// Compressed tells whether there is a compression.
func (c *Conn) Compressed() bool { return c.packer != nil }

// Read reads through the layers.
func (c *Conn) Read(p []byte) (int, error) { return c.reader.Read(p) }

// Write writes through the layers, and holds nothing back.
func (c *Conn) Write(p []byte) (int, error) {
	if c.Plain() {
		return c.Conn.Write(p)
	}
	if err := c.pack(net.Buffers{p}); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteBuffers writes all buffers, and holds nothing back. After an error bufs is
// what is left, and n how much is not; a write to a plain socket whose deadline
// is over may be gone on with.
func (c *Conn) WriteBuffers(bufs *net.Buffers) (n int64, err error) {
	if c.Plain() {
		return bufs.WriteTo(c.Conn)
	}
	return 0, c.pack(*bufs)
}

// packed is the size in bytes of the buffer in which layers gather what they write.
const packed = 32 << 10

var writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, packed) }}

func (c *Conn) pack(bufs net.Buffers) error {
	out := writers.Get().(*bufio.Writer)
	defer func() {
		out.Reset(nil)
		writers.Put(out)
	}()
	out.Reset(c.below())
	if c.packer != nil {
		if err := c.packer.pack(out, bufs); err != nil {
			return err
		}
		return out.Flush()
	}
	for _, p := range bufs {
		if _, err := out.Write(p); err != nil {
			return err
		}
	}
	return out.Flush()
}

// below returns what lies below the compression.
func (c *Conn) below() net.Conn {
	if c.tls != nil {
		return c.tls
	}
	return c.Conn
}

// Rest gives up memory if the connection has been written to at most once since
// Rest was called last.
func (c *Conn) Rest() {
	if c.packer != nil {
		c.packer.rest()
	}
}

// Free gives up memory once nothing will be written any more.
func (c *Conn) Free() {
	if c.packer != nil {
		c.packer.free()
	}
}

// StartTLS puts TLS over the socket, as the server of a handshake that must be
// over within limit. If it fails the socket is as it was, and may be written to.
func (c *Conn) StartTLS(config *tls.Config, limit time.Duration) error {
	c.SetDeadline(time.Now().Add(limit)) //nolint:errcheck // the handshake will tell
	defer c.SetDeadline(time.Time{})     //nolint:errcheck // likewise the next read or write
	over := tls.Server(c.Conn, config)
	if err := over.Handshake(); err != nil {
		return err
	}
	c.tls, c.reader = over, over
	return nil
}

// CloseWrite tells the other end that nothing more comes. The error says that
// the socket cannot do that.
func (c *Conn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return net.ErrClosed
	}
	if c.tls != nil {
		c.tls.CloseWrite() //nolint:errcheck // the socket's own end follows
	}
	return half.CloseWrite()
}
