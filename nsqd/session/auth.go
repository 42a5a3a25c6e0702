package session

import (
	"encoding/json"

	"nsqsuite/nsqd/auth"
	"nsqsuite/protocol"
)

// auth is AUTH (protocol.md 6).
func (s *Session) auth(line *protocol.Line) error {
	if err := s.inState("AUTH", protocol.StateInit); err != nil {
		return err
	}
	if line.Params() > 0 {
		return protocol.Invalid.Errorf("AUTH invalid number of parameters")
	}
	body, err := s.readBody("AUTH")
	switch {
	case err != nil:
		return err
	case s.grant != nil:
		return protocol.Invalid.Errorf("AUTH already set")
	case s.server.Auth == nil:
		return protocol.AuthDisabled.Errorf("AUTH disabled")
	}
	s.secret = string(body)
	if err := s.ask(); err != nil {
		return err
	}
	if s.grant.Entries() == 0 {
		return protocol.Unauthorized.Errorf("AUTH no authorizations found")
	}
	reply, err := json.Marshal(protocol.AuthReply{
		Identity:        s.grant.Identity,
		IdentityURL:     s.grant.IdentityURL,
		PermissionCount: s.grant.Entries(),
	})
	if err != nil {
		return protocol.AuthError.Errorf("AUTH error %s", err).Because(err)
	}
	s.respond(protocol.FrameResponse, string(reply))
	return nil
}

// ask asks the authorisation servers what the client may do. It carries out and
// answers first what is gathered, since it may take its time.
func (s *Session) ask() error {
	if err := s.settle(); err != nil {
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	q := auth.Question{RemoteIP: s.host, Secret: s.secret, TLS: s.secure}
	if state := s.conn.TLS(); state != nil && len(state.PeerCertificates) > 0 {
		q.CommonName = state.PeerCertificates[0].Subject.CommonName
	}
	grant, err := s.server.Auth.Ask(s.server.open, q)
	if err != nil {
		s.server.Log.Warnf("PROTOCOL(V2): [%s] AUTH failed %s", s.remote, err)
		return protocol.AuthFailed.Errorf("AUTH failed")
	}
	s.grant = grant
	s.noteSecurity(func(n *security) {
		n.authed = grant.Entries() > 0
		n.identity, n.url = grant.Identity, grant.IdentityURL
	})
	return nil
}

// permit checks whether the client may carry out a command on a topic, and on a
// channel if that is a SUB. What it has been granted is asked for again once it has expired.
func (s *Session) permit(command string, topic []byte, channel string) error {
	if s.server.Auth == nil {
		return nil
	}
	if s.grant == nil {
		return protocol.AuthFirst.Errorf("AUTH required before %s", command)
	}
	if s.grant.Expired() {
		if err := s.ask(); err != nil {
			return err
		}
	}
	if !s.grant.Allows(string(topic), channel) {
		return protocol.Unauthorized.Errorf("AUTH failed for %s on %q %q", command, topic, channel)
	}
	return nil
}
