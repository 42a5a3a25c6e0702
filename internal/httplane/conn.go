package httplane

import (
	"io"
	"sync"
	"time"

	"nsqsuite/internal/socket"
)

const (
	// maxRequest is how many bytes a request may have that takes the lane. For a
	// larger one the way of net/http costs little, in proportion.
	maxRequest = 64 << 10
	// minRoom is how many bytes net/http must have room for, else it reads something
	// else than a request.
	minRoom = 512
)

// buffers are for requests that net/http has no room for.
var buffers = sync.Pool{New: func() any { return new([maxRequest]byte) }}

// state is whose turn it is on a connection.
type state int

const (
	ours    state = iota // a request begins with the next byte
	passing              // net/http has a request, whose end is known: left and held
	theirs               // net/http has the connection, for good
)

// conn is a connection that net/http reads from. It is net/http that says who
// reads when: one goroutine at a time.
type conn struct {
	socket.Conn
	listener *laneListener

	state   state
	limited bool   // there is a deadline for the head
	blanks  int    // how many of the first bytes that come next may be empty lines
	held    []byte // bytes of the request that is passed, in buffer
	left    int    // bytes of it that are to come, after these
	buffer  *[maxRequest]byte

	target string // that action is for
	action Action // nil: the target is none of the lane's
}

// Read answers requests that are for the lane, until there is something for
// net/http to read.
func (c *conn) Read(p []byte) (n int, err error) {
	switch {
	case len(c.held) > 0:
		n = copy(p, c.held)
		if c.held = c.held[n:]; len(c.held) == 0 {
			c.giveBack()
		}
		return n, nil
	case c.left > 0:
		n, err = c.Conn.Read(p[:min(len(p), c.left)])
		c.left -= n
		return n, err
	case c.state == ours && len(p) >= minRoom:
		return c.drive(p)
	}
	n, err = c.Conn.Read(p)
	if n > 0 {
		c.state = theirs
	}
	return n, err
}

// idle takes in that net/http has answered a request and waits for another.
func (c *conn) idle() {
	if c.state == passing && c.left == 0 && len(c.held) == 0 {
		c.state = ours
	}
}

// drive answers requests, which it reads into p, until one is to be passed.
func (c *conn) drive(p []byte) (n int, err error) {
	for {
		n = c.skipBlanks(p, n)
		h, v := parse(p[:n])
		if v == certain {
			c.limit(false)
			if n, err = c.serve(&h, p, n); err != nil || c.state != ours {
				return n, err
			}
			continue
		}
		if n > 0 {
			c.limit(true)
		}
		if v == doubtful && n >= c.blanks || n == len(p) {
			c.state = theirs
			return n, nil
		}
		m, err := c.Conn.Read(p[n:])
		n += m
		if err != nil {
			c.state = theirs
			if n < c.blanks {
				n = 0 // net/http would not have a request yet, and say nothing
			}
			return n, err
		}
	}
}

// maxBlanks is how many bytes net/http waits for after a POST, to overlook the empty
// lines among them that old clients send.
const maxBlanks = 4

// skipBlanks removes empty lines from the start of p[:n].
func (c *conn) skipBlanks(p []byte, n int) int {
	skip := 0
	for skip < n && c.blanks > 0 && (p[skip] == '\r' || p[skip] == '\n') {
		skip++
		c.blanks--
	}
	if skip == 0 {
		return n
	}
	return copy(p, p[skip:n])
}

// limit sets a deadline for the rest of a head, or removes it.
func (c *conn) limit(on bool) {
	if on == c.limited {
		return
	}
	c.limited = on
	deadline := time.Time{}
	if on {
		deadline = time.Now().Add(c.listener.server.HeaderTimeout)
	}
	c.SetReadDeadline(deadline) //nolint:errcheck // the read will tell
}

// serve answers the request that p[:n] begins with, and returns how many bytes of p
// are left. Or it passes the request, and returns how many of p are for net/http.
func (c *conn) serve(h *head, p []byte, n int) (int, error) {
	total := h.size + h.length
	action := c.open(h)
	if action == nil || total > maxRequest {
		return c.pass(p, n, total)
	}
	begun := time.Now()
	request, n := c.gather(p, n, total)
	if n < total {
		return c.pass(p, n, total)
	}
	if !c.listener.server.Enter() {
		return 0, io.EOF
	}
	if !c.carryOut(action, request[h.size:total], begun) {
		return c.pass(p, n, total)
	}
	if _, err := c.Write(c.listener.answer()); err != nil {
		return 0, io.EOF
	}
	c.blanks = maxBlanks
	n = copy(p, request[total:n])
	c.giveBack()
	return n, nil
}

// open returns what carries out the request, nil if the lane does not.
func (c *conn) open(h *head) Action {
	l := c.listener.lane
	if !h.post || l.Allowed != nil && !l.Allowed(string(h.authorization)) {
		return nil
	}
	if string(h.target) != c.target {
		c.target, c.action = "", l.Open(string(h.target))
		if c.action != nil {
			c.target = string(h.target)
		}
	}
	return c.action
}

// gather reads on until the request is there, into a buffer if p has no room for it.
// It returns less than total bytes if no more come.
func (c *conn) gather(p []byte, n, total int) ([]byte, int) {
	if total > len(p) {
		c.buffer = buffers.Get().(*[maxRequest]byte)
		n = copy(c.buffer[:], p[:n])
		p = c.buffer[:]
	}
	for n < total {
		m, err := c.Conn.Read(p[n:total])
		n += m
		if err != nil {
			break
		}
	}
	return p, n
}

// carryOut carries out an action that was let in.
func (c *conn) carryOut(action Action, body []byte, begun time.Time) bool {
	defer c.listener.server.Leave()
	return action(body, begun)
}

// pass leaves a request of total bytes to net/http. The n bytes that are there are
// in p, of which it returns how many it has, or in the buffer. If there are more
// than the request has, net/http keeps the connection.
func (c *conn) pass(p []byte, n, total int) (int, error) {
	if n > total {
		c.state = theirs
		return n, nil
	}
	c.state = passing
	c.blanks = 0
	c.left = total - n
	if c.buffer == nil {
		return n, nil
	}
	c.held = c.buffer[:n]
	return c.Read(p)
}

// giveBack returns the buffer, if there is one, to the others.
func (c *conn) giveBack() {
	if c.buffer != nil {
		buffers.Put(c.buffer)
		c.buffer, c.held = nil, nil
	}
}
