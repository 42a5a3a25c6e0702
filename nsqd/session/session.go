package session

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/socket"
	"nsqsuite/nsqd/auth"
	"nsqsuite/nsqd/broker"
	"nsqsuite/nsqd/layers"
	"nsqsuite/protocol"
)

// Session is one client. Fields without another note belong to the reading loop.
type Session struct {
	server *Server
	conn   *layers.Conn
	remote string
	since  int64 // Unix time

	in       input
	out      []byte // answers not written yet
	pending  pending
	began    time.Time     // when the wait for the next command began
	tick     time.Duration // until the time is looked at
	waits    bool          // such a wait has begun
	greeted  bool          // the magic has come
	calm     bool          // nothing is to be done until the next command comes
	failed   bool          // the input has ended, and the client been told what there was to tell
	secure   bool          // there is TLS
	locality broker.Locality
	grant    *auth.Grant
	secret   string // of AUTH, to ask again when the grant has expired

	lanes        map[string]*lane // by the topic's name
	repeated     repeated         // the last PUB or DPUB
	subscription *broker.Subscription

	settings atomic.Pointer[protocol.Settings]
	state    atomic.Int32

	writing   sync.Mutex // held by who writes to conn or adds layers to it
	heartbeat *time.Timer
	interval  time.Duration // of heartbeats; 0: there are none
	runs      runs
	now       socket.Now // of what a plain socket takes at once
	wrote     time.Time  // when the last write began

	mu        sync.Mutex // guards what /stats shows
	security  *security  // nil: there is nothing to show
	identity  identity
	host      string // the peer's address without port
	published map[string]uint64
}

func newSession(v *Server, conn net.Conn) *Session {
	s := &Session{server: v, conn: layers.New(conn), remote: conn.RemoteAddr().String(), since: time.Now().Unix()}
	if host, _, err := net.SplitHostPort(s.remote); err == nil {
		s.host = host
	}
	if s.remote == "" {
		s.remote = "@" // an unnamed Unix socket
	}
	s.identity.client, s.identity.host = s.host, s.host
	settings := v.Limits.DefaultSettings()
	s.settings.Store(&settings)
	raw := socket.Raw(conn)
	s.in.attach(s.conn, raw)
	s.now.Attach(raw)
	s.runs.session = s
	return s
}

// identity is what /stats shows of an IDENTIFY.
type identity struct{ client, host, userAgent, zone, region string }

// log writes a line of level info.
func (s *Session) log(format string, args ...any) { s.server.Log.Infof(format, args...) }

// Handle is tcpserve.Handler: it carries out commands until none comes for the
// moment, or waits for the next one with a small stack.
func (s *Session) Handle() (again bool) {
	if s.calm {
		s.doze()
		s.calm = false
		return true
	}
	return s.serve()
}

// serve runs the session until it is calm, which it tells, or to its end.
func (s *Session) serve() (again bool) {
	s.waits, s.tick = false, s.server.tick
	if !s.greeted {
		s.tick = min(s.tick, firstTick)
	}
	s.conn.SetReadDeadline(time.Now().Add(s.tick)) //nolint:errcheck // the read will tell
	if !s.greeted {
		if !s.readMagic() {
			s.in.release()
			s.server.ended(s)
			return false
		}
		s.greeted = true
		s.waits = false
		s.startHeartbeat(s.settings.Load().Heartbeat)
	}
	err := s.readCommands()
	if s.calm {
		return true
	}
	s.end(err)
	return false
}

// end ends the session because of err.
func (s *Session) end(err error) {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		s.server.Log.Debugf("client(%s) closed the connection", s.remote)
	} else if !isProtocolError(err) {
		s.server.Log.Errorf("client(%s) - failed to read command - %s", s.remote, err)
	} else {
		s.server.Log.Errorf("client(%s) - %s", s.remote, err)
	}
	s.conn.Close()
	s.quieten()
	s.conn.Free()
	s.in.release()
	s.log("PROTOCOL(V2): [%s] exiting ioloop", s.remote)
	s.server.ended(s)
}

// quieten ends all writing but that of the reading loop.
func (s *Session) quieten() {
	s.startHeartbeat(0)
	if s.subscription != nil {
		s.subscription.Unsubscribe()
	}
	s.runs.end()
}

func isProtocolError(err error) bool {
	var e *protocol.Error
	return errors.As(err, &e)
}

// readMagic reads the first four bytes, and answers if they are not what they should be.
func (s *Session) readMagic() bool {
	magic, err := s.need(len(protocol.MagicV2))
	if err != nil {
		s.server.Log.Errorf("failed to read protocol version - %s", err)
		return false
	}
	if string(magic) != protocol.MagicV2 {
		s.server.Log.Errorf("client(%s) bad protocol magic '%s'", s.remote, magic)
		s.respond(protocol.FrameError, string(protocol.BadProtocol))
		s.flush() //nolint:errcheck // the connection is closed next in any case
		s.drain()
		return false
	}
	s.log("CLIENT(%s): desired protocol magic '%s'", s.remote, magic)
	s.in.skip(len(magic))
	return true
}

// readCommands carries out commands until one fails, or none comes any more or
// for the moment.
func (s *Session) readCommands() error {
	for {
		var err error
		if s.in.r == s.in.w {
			if err = s.await(); s.calm {
				return nil
			}
		}
		if err == nil {
			err = s.next()
		}
		if err != nil {
			return s.fail(err)
		}
		s.waits = false
	}
}

// next reads one command and carries it out, or gathers it.
func (s *Session) next() error {
	if !s.server.Log.Enabled(logging.Debug) {
		if repeated, err := s.repeat(); repeated || err != nil {
			return err
		}
	}
	line, err := s.readLine()
	if err != nil {
		return err
	}
	return s.exec(line)
}

// fail ends the session's input because of err: it carries out what was gathered
// before, and tells the client if err is for it, as far as that goes. It returns
// why the session ends.
func (s *Session) fail(err error) error {
	if s.failed {
		return err
	}
	s.failed = true
	if e := s.settle(); e != nil {
		err = e
	}
	var e *protocol.Error
	if errors.As(err, &e) {
		s.logError(e)
		s.quieten() // the error is the last that the client reads
		s.respond(protocol.FrameError, e.Error())
	}
	if s.flush() == nil && (e != nil || errors.Is(err, errLineTooLong)) {
		s.drain()
	}
	return err
}

func (s *Session) logError(e *protocol.Error) {
	cause := ""
	if e.Err != nil {
		cause = " - " + e.Err.Error()
	}
	s.server.Log.Errorf("[%s] - %s%s", s.remote, e, cause)
}

// Bounds of drain.
const (
	drainTime  = time.Second
	drainBytes = 8 << 20
)

// drain lets the client read the last frame: closing a socket with unread input
// would reset it and may throw the frame away. So it stops sending, and for a
// moment reads what the client still sends.
func (s *Session) drain() {
	s.writing.Lock()
	err := s.conn.CloseWrite()
	s.writing.Unlock()
	if err != nil {
		return
	}
	socket := s.conn.Conn
	socket.SetReadDeadline(time.Now().Add(drainTime)) //nolint:errcheck // the copy will tell
	io.CopyN(io.Discard, socket, drainBytes)          //nolint:errcheck // all that counts is that it ends
}

// respond gathers an answer.
func (s *Session) respond(t protocol.FrameType, data string) {
	s.out = protocol.AppendFrame(s.out, t, data)
}

// flush writes the answers gathered.
func (s *Session) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	s.writing.Lock()
	err := s.writeOut()
	s.writing.Unlock()
	return err
}

// writeOut is flush for a caller that holds writing.
func (s *Session) writeOut() error {
	err := s.write(s.out)
	if cap(s.out) > keepOut {
		s.out = nil
	}
	s.out = s.out[:0]
	return err
}

// keepOut is the size in bytes up to which a session keeps its buffer for answers.
const keepOut = 4 << 10

// write writes p. What a plain socket does not take at once it must take in time:
// only then there is a deadline, whose timer would go off long after. The caller
// holds writing.
func (s *Session) write(p []byte) (err error) {
	s.wrote = time.Now()
	if s.conn.Plain() {
		if p, err = s.now.Write(p); err != nil || len(p) == 0 {
			return err
		}
	}
	s.limitWrite()
	_, err = s.conn.Write(p)
	return err
}

// limitWrite sets how long the next write may take. The caller holds writing.
func (s *Session) limitWrite() {
	s.wrote = time.Now()
	if interval := s.settings.Load().Heartbeat; interval > 0 {
		s.conn.SetWriteDeadline(s.wrote.Add(interval)) //nolint:errcheck // the write will tell
	} else {
		s.conn.SetWriteDeadline(time.Time{}) //nolint:errcheck // likewise
	}
}

// startHeartbeat sends a heartbeat every interval from now on; none if that is 0.
func (s *Session) startHeartbeat(interval time.Duration) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.interval = interval
	switch {
	case interval > 0 && s.heartbeat == nil:
		s.heartbeat = time.AfterFunc(interval, s.beat)
	case interval > 0:
		s.heartbeat.Reset(interval)
	case s.heartbeat != nil:
		s.heartbeat.Stop()
	}
}

// beat sends a heartbeat.
func (s *Session) beat() {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.interval <= 0 {
		return
	}
	s.heartbeat.Reset(s.interval)
	if err := s.write(heartbeatFrame); err != nil {
		s.conn.Close() // a client that does not read is gone
	}
	s.conn.Rest()
}

var heartbeatFrame = protocol.AppendFrame(nil, protocol.FrameResponse, protocol.Heartbeat)

// stats returns what /stats shows of the session.
func (s *Session) stats() Client {
	settings := s.settings.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Client{
		Published: len(s.published) > 0,
		ClientStats: protocol.ClientStats{
			ClientID:       s.identity.client,
			Hostname:       s.identity.host,
			UserAgent:      s.identity.userAgent,
			Version:        "V2",
			RemoteAddress:  s.remote,
			State:          s.state.Load(),
			ConnectTS:      s.since,
			SampleRate:     settings.SampleRate,
			TopologyZone:   s.identity.zone,
			TopologyRegion: s.identity.region,
		},
	}
	if s.security != nil {
		s.security.show(&c.ClientStats)
	}
	if s.subscription != nil {
		channel := s.subscription.Channel()
		c.Topic, c.Channel = channel.Topic().Name(), channel.Name()
		c.InFlightCount, c.ReadyCount, c.MessageCount, c.FinishCount, c.RequeueCount = s.subscription.Counters()
	}
	for topic, n := range s.published {
		c.PubCounts = append(c.PubCounts, protocol.PubCount{Topic: topic, Count: n})
	}
	return c
}
