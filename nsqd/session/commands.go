package session

import (
	"errors"
	"time"

	"nsqsuite/internal/logging"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// exec carries one command out, or gathers it. An error ends the session.
func (s *Session) exec(line protocol.Line) error {
	if log := s.server.Log; log.Enabled(logging.Debug) {
		log.Debugf("PROTOCOL(V2): [%s] [%s]", s.remote, line.Command())
	}
	if s.server.TLSRequired && !s.secure && string(line.Command()) != "IDENTIFY" {
		return protocol.Invalid.Errorf("cannot %s in current state (TLS required)", protocol.Echo(line.Command()))
	}
	switch string(line.Command()) {
	case "FIN":
		return s.fin(&line)
	case "PUB":
		return s.pub(&line)
	case "RDY":
		return s.rdy(&line)
	case "REQ":
		return s.req(&line)
	case "TOUCH":
		return s.touch(&line)
	case "MPUB":
		return s.mpub(&line)
	case "DPUB":
		return s.dpub(&line)
	case "NOP":
		return nil
	case "SUB":
		return s.sub(&line)
	case "CLS":
		return s.cls()
	case "IDENTIFY":
		return s.identify()
	case "AUTH":
		return s.auth(&line)
	}
	return protocol.Invalid.Errorf("invalid command %s", protocol.Echo(line.Command()))
}

// inState tells whether the session is in one of the states; the error is that of the command.
func (s *Session) inState(command string, states ...int32) error {
	now := s.state.Load()
	for _, state := range states {
		if now == state {
			return nil
		}
	}
	return protocol.Invalid.Errorf("cannot %s in current state", command)
}

// identify is IDENTIFY (protocol.md 4).
func (s *Session) identify() error {
	if err := s.inState("IDENTIFY", protocol.StateInit); err != nil {
		return err
	}
	body, err := s.readBody("IDENTIFY")
	if err != nil {
		return err
	}
	id, err := protocol.ParseIdentify(body)
	if err != nil {
		return err
	}
	settings, err := s.server.Limits.Apply(&id)
	if err != nil {
		return err
	}
	s.log("[%s] IDENTIFY: {ClientID:%s Hostname:%s UserAgent:%s HeartbeatInterval:%d SampleRate:%d MsgTimeout:%d}",
		s.remote, id.ClientID, id.Hostname, id.UserAgent, id.HeartbeatInterval, id.SampleRate, id.MsgTimeout)
	if err := s.settle(); err != nil {
		return err
	}
	s.settings.Store(&settings)
	s.locality = s.server.localityOf(&id)
	s.mu.Lock()
	s.identity = identity{id.ClientID, id.Hostname, id.UserAgent, id.TopologyZone, id.TopologyRegion}
	s.mu.Unlock()
	s.startHeartbeat(settings.Heartbeat)
	if !id.FeatureNegotiation {
		s.respond(protocol.FrameResponse, protocol.OK)
		return nil
	}
	return s.upgrade(&id, &settings)
}

// readBody returns the body of IDENTIFY or AUTH. It is valid until the next fill.
func (s *Session) readBody(command string) ([]byte, error) {
	size, err := s.readSize()
	switch {
	case err != nil:
		return nil, protocol.BadBody.Errorf("%s failed to read body size", command).Because(err)
	case size > s.server.MaxBodySize:
		return nil, protocol.BadBody.Errorf("%s body too big %d > %d", command, size, s.server.MaxBodySize)
	case size <= 0:
		return nil, protocol.BadBody.Errorf("%s invalid body size %d", command, size)
	}
	body, err := s.need(int(size))
	if err != nil {
		return nil, protocol.BadBody.Errorf("%s failed to read body", command).Because(err)
	}
	s.in.skip(int(size))
	return body, nil
}

// sub is SUB (7.1).
func (s *Session) sub(line *protocol.Line) error {
	if err := s.inState("SUB", protocol.StateInit); err != nil {
		return err
	}
	settings := s.settings.Load()
	if settings.Heartbeat <= 0 {
		return protocol.Invalid.Errorf("cannot SUB with heartbeats disabled")
	}
	if line.Params() < 2 {
		return protocol.Invalid.Errorf("SUB insufficient number of parameters")
	}
	topic, channel := string(line.Param(0)), string(line.Param(1))
	if !protocol.ValidName(topic) {
		return badTopic("SUB", line.Param(0))
	}
	if !protocol.ValidName(channel) {
		return protocol.BadChannel.Errorf("SUB channel name %q is not valid", protocol.Echo(channel))
	}
	if err := s.settle(); err != nil {
		return err
	}
	if err := s.permit("SUB", line.Param(0), channel); err != nil {
		return err
	}
	subscription, err := s.subscribe(topic, channel, settings)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.subscription = subscription
	s.mu.Unlock()
	s.state.Store(protocol.StateSubscribed)
	s.respond(protocol.FrameResponse, protocol.OK)
	return nil
}

// localityOf tells how near a client is (protocol.md 20). Without a zone, or a
// region, on either side both are the same.
func (v *Server) localityOf(id *protocol.Identify) broker.Locality {
	switch {
	case !v.TopologyAware:
		return broker.Global
	case id.TopologyZone == v.TopologyZone:
		return broker.ZoneLocal
	case id.TopologyRegion == v.TopologyRegion:
		return broker.RegionLocal
	}
	return broker.Global
}

// subscribeTries is how often a channel is looked up that vanishes before it can be joined.
const subscribeTries = 3

func (s *Session) subscribe(topic, channel string, settings *protocol.Settings) (*broker.Subscription, error) {
	consumer := broker.Consumer{
		MsgTimeout: settings.MsgTimeout,
		SampleRate: int(settings.SampleRate),
		Locality:   s.locality,
		Wake:       s.runs.wake,
		Close:      func() { s.conn.Close() },
	}
	err := error(broker.ErrExiting)
	for range subscribeTries {
		var t *broker.Topic
		var c *broker.Channel
		var subscription *broker.Subscription
		if t, err = s.server.Broker.Topic(topic); err != nil {
			break
		}
		if c, err = t.Channel(channel); err != nil {
			continue
		}
		if subscription, err = c.Subscribe(consumer); err == nil {
			return subscription, nil
		}
		if !errors.Is(err, broker.ErrExiting) {
			break
		}
	}
	if errors.Is(err, broker.ErrTooManyConsumers) {
		return nil, protocol.SubFailed.Errorf("SUB failed consumers for %s:%s exceeds limit of %d", topic, channel, s.server.MaxChannelConsumers)
	}
	return nil, protocol.SubFailed.Errorf("SUB failed %s", err).Because(err)
}

// rdy is RDY (7.2).
func (s *Session) rdy(line *protocol.Line) error {
	if s.state.Load() == protocol.StateClosing {
		s.log("PROTOCOL(V2): [%s] ignoring RDY after CLS in state ClientStateV2Closing", s.remote)
		return nil
	}
	if err := s.inState("RDY", protocol.StateSubscribed); err != nil {
		return err
	}
	count := uint64(1)
	if line.Params() > 0 {
		n, ok := protocol.ParseDigits(line.Param(0))
		if !ok {
			return protocol.Invalid.Errorf("RDY could not parse count %s", protocol.Echo(line.Param(0)))
		}
		count = n
	}
	if count > uint64(s.server.MaxRdyCount) {
		return protocol.Invalid.Errorf("RDY count %d out of range 0-%d", count, s.server.MaxRdyCount)
	}
	if err := s.settle(); err != nil {
		return err
	}
	if err := s.flush(); err != nil { // the answer to SUB goes before any message
		return err
	}
	s.subscription.SetReady(int(count))
	return nil
}

// messageID checks the state and takes the ID out of a FIN, REQ or TOUCH with at least params parameters.
func (s *Session) messageID(command string, line *protocol.Line, params int) (id protocol.MessageID, err error) {
	if now := s.state.Load(); now != protocol.StateSubscribed && now != protocol.StateClosing {
		return id, protocol.Invalid.Errorf("cannot %s in current state", command)
	}
	if line.Params() < params {
		return id, protocol.Invalid.Errorf("%s insufficient number of params", command)
	}
	if len(line.Param(0)) != len(id) {
		return id, protocol.Invalid.Errorf("invalid message ID")
	}
	return protocol.MessageID(line.Param(0)), nil
}

// fin is FIN (7.3). It is gathered; its errors are not fatal.
func (s *Session) fin(line *protocol.Line) error {
	id, err := s.messageID("FIN", line, 1)
	if err != nil {
		return err
	}
	number, ok := protocol.ParseMessageID(id)
	if !ok { // then it is no message's
		err := s.settle()
		s.refuseFin(id, broker.ErrNotInFlight)
		return err
	}
	b, err := s.gather(finishes)
	if err != nil {
		return err
	}
	b.finished = append(b.finished, number)
	return nil
}

func (s *Session) refuseFin(id protocol.MessageID, err error) {
	s.refuse(protocol.FinFailed.Errorf("FIN %s failed %s", id, err))
}

// req is REQ (7.4). It is gathered; its errors are not fatal.
func (s *Session) req(line *protocol.Line) error {
	id, err := s.messageID("REQ", line, 2)
	if err != nil {
		return err
	}
	ms, ok := protocol.ParseDigits(line.Param(1))
	if !ok {
		return protocol.Invalid.Errorf("REQ could not parse timeout %s", protocol.Echo(line.Param(1)))
	}
	most := s.server.MaxReqTimeout
	delay := most
	if ms <= uint64(most.Milliseconds()) {
		delay = time.Duration(ms) * time.Millisecond
	} else {
		s.log("PROTOCOL(V2): [%s] REQ timeout %d out of range 0-%d. Setting to %d", s.remote, ms, most, most)
	}
	number, ok := protocol.ParseMessageID(id)
	if !ok { // then it is no message's
		err := s.settle()
		s.refuseReq(id, broker.ErrNotInFlight)
		return err
	}
	b, err := s.gather(requeues)
	if err != nil {
		return err
	}
	b.requeued = append(b.requeued, broker.Requeued{Number: number, Delay: delay})
	return nil
}

func (s *Session) refuseReq(id protocol.MessageID, err error) {
	s.refuse(protocol.ReqFailed.Errorf("REQ %s failed %s", id, err))
}

// touch is TOUCH (7.5).
func (s *Session) touch(line *protocol.Line) error {
	id, err := s.messageID("TOUCH", line, 1)
	if err != nil {
		return err
	}
	if err := s.settle(); err != nil {
		return err
	}
	if err := s.subscription.Touch(id); err != nil {
		s.refuse(protocol.TouchFailed.Errorf("TOUCH %s failed %s", id, err))
	}
	return nil
}

// refuse answers with an error that is not fatal.
func (s *Session) refuse(e *protocol.Error) {
	s.logError(e)
	s.respond(protocol.FrameError, e.Error())
}

// cls is CLS (7.6).
func (s *Session) cls() error {
	if err := s.inState("CLS", protocol.StateSubscribed); err != nil {
		return err
	}
	if err := s.settle(); err != nil {
		return err
	}
	s.subscription.SetReady(0)
	s.runs.end() // CLOSE_WAIT is the last: clients do not look for messages behind it
	s.state.Store(protocol.StateClosing)
	s.respond(protocol.FrameResponse, protocol.CloseWait)
	return nil
}
