package nsqlookupd

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"nsqsuite/internal/tcpserve"
	"nsqsuite/nsqlookupd/registry"
	"nsqsuite/protocol"
)

const (
	// magicTimeout is how long a peer may take to send its first four bytes.
	magicTimeout = 60 * time.Second
	// maxLine is how many bytes a command line has at most; the longest with a
	// meaning has about 150.
	maxLine = 4 << 10
	// maxBody is how many bytes the body of IDENTIFY has at most.
	maxBody = 1 << 20
	// drainTime and drainBytes bound what is still read after a last answer.
	drainTime  = time.Second
	drainBytes = 4 << 20
)

// session is the connection of one nsqd (nsqlookupd.md part 2). After IDENTIFY, and
// between one PING and the next, it is calm, unless there is TLS: it holds no buffer.
type session struct {
	l       *NSQLookupd
	wire    *wire
	conn    net.Conn      // wire, or TLS over it
	in      *bufio.Reader // of conn; nil while the session is calm
	remote  string
	greeted bool           // the magic has come
	lull    bool           // the last command was one behind which it may be calm
	calm    bool           // nothing is to be done until the next command comes
	renewed bool           // it has a goroutine of which IDENTIFY has not made the stack large
	peer    *registry.Peer // nil until IDENTIFY
}

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, maxLine) }}

// open begins a session.
func (l *NSQLookupd) open(conn net.Conn) tcpserve.Handler {
	w := newWire(conn)
	s := &session{l: l, wire: w, conn: w, remote: conn.RemoteAddr().String()}
	l.figures.connections.Inc()
	l.log.Infof("TCP: new client(%s)", s.remote)
	return s
}

// Handle is tcpserve.Handler: it serves the connection until it ends, or is calm for
// the first time.
func (s *session) Handle() (again bool) {
	for {
		if s.calm {
			s.wire.doze()
			s.calm = false
		}
		s.serve()
		if !s.calm {
			s.l.figures.connections.Dec()
			return false
		}
		if !s.renewed {
			s.renewed = true
			return true
		}
	}
}

// serve carries out commands until the session is calm, or ends it.
func (s *session) serve() {
	s.in = readers.Get().(*bufio.Reader)
	s.in.Reset(s.conn)
	defer func() {
		s.in.Reset(nil)
		readers.Put(s.in)
		s.in = nil
	}()
	if !s.greeted && (!s.secure() || !s.readMagic()) {
		return
	}
	s.greeted = true
	err := s.readCommands()
	if s.calm {
		return
	}
	s.l.log.Errorf("client(%s) - %s", s.remote, err)
	if s.peer != nil {
		for _, r := range append(s.l.registry.Disconnect(s.peer), registry.Registration{}) {
			s.logEntry("UNREGISTER", r)
		}
	}
	s.l.log.Infof("PROTOCOL(V1): [%s] exiting ioloop", s.remote)
	s.drain()
}

func (s *session) readMagic() bool {
	s.conn.SetReadDeadline(time.Now().Add(magicTimeout)) //nolint:errcheck // the read will tell
	magic := make([]byte, len(protocol.MagicV1))
	if _, err := io.ReadFull(s.in, magic); err != nil {
		s.l.log.Errorf("failed to read protocol version - %s", err)
		return false
	}
	if string(magic) != protocol.MagicV1 {
		if magic[0] == tlsHandshake && s.l.tls == nil {
			s.l.log.Errorf("client(%s) wants TLS, but there is no --tls-cert", s.remote)
		} else {
			s.l.log.Errorf("client(%s) bad protocol magic '%s'", s.remote, magic)
		}
		s.answer(string(protocol.BadProtocol)) //nolint:errcheck // the connection is closed in any case
		s.drain()
		return false
	}
	s.l.log.Infof("CLIENT(%s): desired protocol magic '%s'", s.remote, magic)
	s.conn.SetReadDeadline(time.Time{}) //nolint:errcheck // a peer may be silent for ever
	return true
}

// readCommands carries out commands until one fails or none comes any more, and
// returns why, or until the session is calm.
func (s *session) readCommands() error {
	for {
		line, err := s.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		reply, err := s.exec(line)
		if err != nil {
			s.logError(err)
			s.answer(err.Error()) //nolint:errcheck // the connection is closed in any case
			return err
		}
		if err := s.answer(reply); err != nil {
			return err
		}
		if s.lull && s.conn == s.wire && s.in.Buffered() == 0 {
			s.calm = true
			return nil
		}
	}
}

func (s *session) logError(err error) {
	cause := ""
	if inner := errors.Unwrap(err); inner != nil {
		cause = " - " + inner.Error()
	}
	s.l.log.Errorf("[%s] - %s%s", s.remote, err, cause)
}

func (s *session) answer(text string) error {
	_, err := s.conn.Write(protocol.AppendReply(nil, text))
	return err
}

// drain lets the peer read the last answer: closing a connection with unread
// input could throw it away, so for a moment it reads what still comes.
func (s *session) drain() {
	half, ok := s.conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	s.conn.SetReadDeadline(time.Now().Add(drainTime)) //nolint:errcheck // the copy will tell
	io.CopyN(io.Discard, s.in, drainBytes)            //nolint:errcheck // all that counts is that it ends
}

// exec carries out one command and returns the answer. Every error ends the session.
func (s *session) exec(line []byte) (string, error) {
	if !bytes.HasSuffix(line, []byte("\n")) {
		return "", protocol.Invalid.Errorf("command line is too long")
	}
	words := strings.Split(strings.TrimSpace(string(line)), " ")
	command, params := words[0], words[1:]
	s.l.figures.command(command)
	s.lull = command == "PING" || command == "IDENTIFY"
	switch command {
	case "PING":
		return s.ping()
	case "IDENTIFY":
		return s.identify()
	case "REGISTER":
		return s.register(command, params)
	case "UNREGISTER":
		return s.unregister(command, params)
	}
	return "", protocol.Invalid.Errorf("invalid command %s", protocol.Echo(command))
}

func (s *session) ping() (string, error) {
	if s.peer != nil {
		now := time.Now()
		s.l.log.Infof("CLIENT(%s): pinged (last ping %s)", s.remote, now.Sub(s.l.registry.Ping(s.peer, now)))
	}
	return protocol.OK, nil
}

func (s *session) identify() (string, error) {
	if s.peer != nil {
		return "", protocol.Invalid.Errorf("cannot IDENTIFY again")
	}
	body, err := s.readBody()
	if err != nil {
		return "", err
	}
	var info protocol.Producer
	if err := json.Unmarshal(body, &info); err != nil {
		return "", protocol.BadBody.Errorf("IDENTIFY failed to decode JSON body").Because(err)
	}
	if info.BroadcastAddress == "" || info.TCPPort == 0 || info.WebPort() == 0 || info.Version == "" {
		return "", protocol.BadBody.Errorf("IDENTIFY missing fields")
	}
	info.RemoteAddress = s.remote
	s.peer = s.l.registry.Identify(info, time.Now())
	s.l.log.Infof("CLIENT(%s): IDENTIFY Address:%s TCP:%d HTTP:%d Version:%s",
		s.remote, info.BroadcastAddress, info.TCPPort, info.HTTPPort, info.Version)
	s.logEntry("REGISTER", registry.Registration{})
	reply, err := json.Marshal(s.l.self())
	return string(reply), err
}

// readBody reads the body of IDENTIFY. Memory grows with what arrives.
func (s *session) readBody() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return nil, protocol.BadBody.Errorf("IDENTIFY failed to read body size").Because(err)
	}
	size := int64(int32(binary.BigEndian.Uint32(head[:])))
	if size < 0 || size > maxBody {
		return nil, protocol.BadBody.Errorf("IDENTIFY failed to read body").Because(fmt.Errorf("size %d", size))
	}
	body, err := io.ReadAll(io.LimitReader(s.in, size))
	if err == nil && int64(len(body)) < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, protocol.BadBody.Errorf("IDENTIFY failed to read body").Because(err)
	}
	return body, nil
}

// registration checks the state and parameters of REGISTER and UNREGISTER.
func (s *session) registration(command string, params []string) (r registry.Registration, err error) {
	if s.peer == nil {
		return r, protocol.Invalid.Errorf("client must IDENTIFY")
	}
	if len(params) == 0 {
		return r, protocol.Invalid.Errorf("%s insufficient number of params", command)
	}
	r.Topic = params[0]
	if len(params) > 1 {
		r.Channel = params[1]
	}
	if !protocol.ValidName(r.Topic) {
		return r, protocol.BadTopic.Errorf("%s topic name '%s' is not valid", command, protocol.Echo(r.Topic))
	}
	if r.Channel != "" && !protocol.ValidName(r.Channel) {
		return r, protocol.BadChannel.Errorf("%s channel name '%s' is not valid", command, protocol.Echo(r.Channel))
	}
	return r, nil
}

func (s *session) register(command string, params []string) (string, error) {
	r, err := s.registration(command, params)
	if err != nil {
		return "", err
	}
	for _, added := range s.l.registry.Register(s.peer, r) {
		s.logEntry("REGISTER", added)
	}
	return protocol.OK, nil
}

func (s *session) unregister(command string, params []string) (string, error) {
	r, err := s.registration(command, params)
	if err != nil {
		return "", err
	}
	for _, removed := range s.l.registry.Unregister(s.peer, r) {
		if removed != r {
			s.l.log.Warnf("client(%s) unexpected UNREGISTER category:channel key:%s subkey:%s", s.remote, removed.Topic, removed.Channel)
		}
		s.logEntry("UNREGISTER", removed)
	}
	return protocol.OK, nil
}

func (s *session) logEntry(what string, r registry.Registration) {
	s.l.log.Infof("DB: client(%s) %s category:%s key:%s subkey:%s", s.remote, what, category(r), r.Topic, r.Channel)
}
