package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"

	"nsqsuite/protocol"
)

// maxFrame is how many bytes of a frame are accepted.
const maxFrame = 4 << 20

// wire is a connection to nsqd, used by one goroutine.
type wire struct {
	net.Conn
	in *bufio.Reader
}

func dial(address string) (*wire, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: conn, in: bufio.NewReader(conn)}
	if _, err := conn.Write([]byte(protocol.MagicV2)); err != nil {
		conn.Close()
		return nil, err
	}
	return w, nil
}

// read returns the next frame that is no heartbeat; those it answers.
func (w *wire) read() (protocol.FrameType, []byte, error) {
	for {
		t, data, err := protocol.ReadFrame(w.in, maxFrame)
		if err != nil || t != protocol.FrameResponse || string(data) != protocol.Heartbeat {
			return t, data, err
		}
		if _, err := w.Write(protocol.AppendCommand(nil, "NOP")); err != nil {
			return 0, nil, err
		}
	}
}

// expectOK reads the answer to a command; ok is false if it is an error.
func (w *wire) expectOK() (ok bool, err error) {
	t, data, err := w.read()
	if err != nil {
		return false, err
	}
	if t == protocol.FrameResponse && string(data) != protocol.OK {
		return false, fmt.Errorf("answer %q instead of OK", data)
	}
	return t == protocol.FrameResponse, nil
}

// failure takes an error that is not fatal apart: which command, about which ID.
func failure(data []byte) (of kind, id protocol.MessageID, ok bool) {
	words := bytes.Fields(data)
	if len(words) < 3 || len(words[2]) != len(id) {
		return "", id, false
	}
	copy(id[:], words[2])
	switch protocol.Code(words[0]) {
	case protocol.FinFailed:
		return finish, id, true
	case protocol.ReqFailed:
		return requeue, id, true
	case protocol.TouchFailed:
		return touch, id, true
	}
	return "", id, false
}
