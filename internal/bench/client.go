package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"nsqsuite/protocol"
)

// bufferSize is how much is read at a time from a busy connection.
const bufferSize = 256 << 10

// conn is a connection to nsqd, used by one goroutine.
type conn struct {
	net.Conn
	in  *bufio.Reader
	out []byte // to be written next
}

// dial connects and sends the magic.
func dial(address, magic string, buffer int) (*conn, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	w := &conn{Conn: c, in: bufio.NewReaderSize(c, buffer)}
	if _, err := w.Write([]byte(magic)); err != nil {
		c.Close()
		return nil, err
	}
	return w, nil
}

// flush writes what is in out.
func (c *conn) flush() error {
	_, err := c.Write(c.out)
	c.out = c.out[:0]
	return err
}

// frame returns the next frame that is no heartbeat; those it answers. An error
// frame is an error. The data are valid until the next call.
func (c *conn) frame() (protocol.FrameType, []byte, error) {
	for {
		head, err := c.in.Peek(protocol.FrameHeaderSize)
		if err != nil {
			return 0, nil, err
		}
		size := int(binary.BigEndian.Uint32(head)) + 4
		t := protocol.FrameType(binary.BigEndian.Uint32(head[4:]))
		data, err := c.whole(size)
		if err != nil {
			return 0, nil, err
		}
		data = data[protocol.FrameHeaderSize:]
		switch {
		case t == protocol.FrameError:
			return t, nil, fmt.Errorf("nsqd says %q", data)
		case t == protocol.FrameResponse && string(data) == protocol.Heartbeat:
			c.out = protocol.AppendCommand(c.out, "NOP")
			if err := c.flush(); err != nil {
				return t, nil, err
			}
		default:
			return t, data, nil
		}
	}
}

// whole takes size bytes: from the buffer if they fit.
func (c *conn) whole(size int) ([]byte, error) {
	if size > c.in.Size() {
		p := make([]byte, size)
		for n := 0; n < size; {
			k, err := c.in.Read(p[n:])
			if err != nil {
				return nil, err
			}
			n += k
		}
		return p, nil
	}
	p, err := c.in.Peek(size)
	if err == nil {
		_, err = c.in.Discard(size)
	}
	return p, err
}

// ready tells whether a frame is in the buffer.
func (c *conn) ready() bool {
	if c.in.Buffered() < protocol.FrameHeaderSize {
		return false
	}
	head, _ := c.in.Peek(protocol.FrameHeaderSize)
	return c.in.Buffered() >= int(binary.BigEndian.Uint32(head))+4
}

// oks reads n answers.
func (c *conn) oks(n int) error {
	for range n {
		if _, data, err := c.frame(); err != nil {
			return err
		} else if string(data) != protocol.OK {
			return fmt.Errorf("answer %q", data)
		}
	}
	return nil
}

// send sends n commands that are answered with OK, at most window of them
// unanswered; command appends number i.
func (c *conn) send(n, window int, command func(dst []byte, i int) []byte) error {
	half := max(window/2, 1)
	for sent, answered := 0, 0; answered < n; {
		for sent < n && sent-answered <= window-half {
			for end := min(sent+half, n); sent < end; sent++ {
				c.out = command(c.out, sent)
			}
			if err := c.flush(); err != nil {
				return err
			}
		}
		k := min(half, sent-answered)
		if err := c.oks(k); err != nil {
			return err
		}
		answered += k
	}
	return nil
}

// subscribe becomes a consumer with a ready count.
func (c *conn) subscribe(topic, channel string, ready int) error {
	c.out = protocol.AppendCommand(c.out, "SUB", topic, channel)
	if err := c.flush(); err != nil {
		return err
	}
	if err := c.oks(1); err != nil {
		return err
	}
	c.out = protocol.AppendCommand(c.out, "RDY", strconv.Itoa(ready))
	return c.flush()
}

// consume takes messages and finishes them, or answers what answer appends for
// one, until its read deadline comes. When it returns nsqd has carried out all of it.
func (c *conn) consume(answer func(dst []byte, m protocol.Message) []byte, took func()) error {
	for {
		t, data, err := c.frame()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return c.leave()
		}
		if err != nil {
			return err
		}
		m, err := protocol.DecodeMessage(data)
		if err != nil || t != protocol.FrameMessage {
			return fmt.Errorf("answer %q, %w", data, err)
		}
		if answer == nil {
			c.out = append(append(append(c.out, "FIN "...), m.ID[:]...), '\n')
		} else {
			c.out = answer(c.out, m)
		}
		if !c.ready() {
			if err := c.flush(); err != nil {
				return err
			}
		}
		took()
	}
}

// leave says CLS and waits for the answer, which comes after all else.
func (c *conn) leave() error {
	c.SetReadDeadline(time.Time{}) //nolint:errcheck // a connection has deadlines
	c.out = protocol.AppendCommand(c.out, "CLS")
	if err := c.flush(); err != nil {
		return err
	}
	for {
		t, data, err := c.frame()
		if err != nil || t == protocol.FrameResponse && string(data) == protocol.CloseWait {
			return err
		}
	}
}
