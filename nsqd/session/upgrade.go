package session

import (
	"crypto/tls"
	"encoding/json"
	"strings"
	"time"

	"nsqsuite/protocol"
)

// handshakeLimit is how long a TLS handshake may take.
const handshakeLimit = 5 * time.Second

// upgrades are the layers that an IDENTIFY adds.
type upgrades struct {
	tls, deflate, snappy bool
	level                int // of deflate
}

// negotiate works out what an IDENTIFY adds. A layer that there is already is
// not added again, nor TLS beneath a compression.
func (s *Session) negotiate(id *protocol.Identify) (upgrades, error) {
	v := s.server
	compressed := s.conn.Compressed()
	u := upgrades{
		tls:     id.TLSv1 && v.TLS != nil && s.conn.Plain(),
		deflate: id.Deflate && v.Deflate && !compressed,
		snappy:  id.Snappy && v.Snappy && !compressed,
		level:   protocol.DefaultDeflateLevel,
	}
	if u.deflate && u.snappy {
		return u, protocol.IdentifyFailed.Errorf("cannot enable both deflate and snappy compression")
	}
	if u.deflate && id.DeflateLevel > 0 {
		u.level = id.DeflateLevel
	}
	u.level = min(u.level, v.MaxDeflateLevel)
	return u, nil
}

// upgrade answers an IDENTIFY with feature negotiation, and adds the layers: the
// answer goes out below them, and an OK through each new one. Nothing else is
// written meanwhile, and what had been read ahead is dropped.
func (s *Session) upgrade(id *protocol.Identify, settings *protocol.Settings) error {
	u, err := s.negotiate(id)
	if err != nil {
		return err
	}
	reply, err := json.Marshal(s.identifyReply(&u, settings))
	if err != nil {
		return protocol.IdentifyFailed.Errorf("IDENTIFY failed %s", err).Because(err)
	}
	s.respond(protocol.FrameResponse, string(reply))
	if !u.tls && !u.deflate && !u.snappy {
		return nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.addLayers(&u); err != nil {
		return protocol.IdentifyFailed.Errorf("IDENTIFY failed %s", err).Because(err)
	}
	return nil
}

// addLayers writes what is gathered, and adds one layer after the other. The
// caller holds writing.
func (s *Session) addLayers(u *upgrades) error {
	if err := s.writeOut(); err != nil {
		return err
	}
	if u.tls {
		s.log("PROTOCOL(V2): [%s] upgrading connection to TLS", s.remote)
		if err := s.conn.StartTLS(s.server.TLS, handshakeLimit); err != nil {
			return err
		}
		s.secure = true
		if err := s.layerAdded(func(n *security) { n.tls = s.conn.TLS() }); err != nil {
			return err
		}
	}
	switch {
	case u.snappy:
		s.log("PROTOCOL(V2): [%s] upgrading connection to snappy", s.remote)
		s.conn.StartSnappy()
		return s.layerAdded(func(n *security) { n.snappy = true })
	case u.deflate:
		s.log("PROTOCOL(V2): [%s] upgrading connection to deflate (level %d)", s.remote, u.level)
		s.conn.StartDeflate(u.level)
		return s.layerAdded(func(n *security) { n.deflate = true })
	}
	return nil
}

// layerAdded reads through the new layer from now on, and writes an OK through it.
func (s *Session) layerAdded(note func(*security)) error {
	s.in.attach(s.conn, s.now.Raw())
	s.waits = false
	s.noteSecurity(note)
	s.respond(protocol.FrameResponse, protocol.OK)
	return s.writeOut()
}

func (s *Session) identifyReply(u *upgrades, settings *protocol.Settings) *protocol.IdentifyReply {
	v := s.server
	return &protocol.IdentifyReply{
		MaxRdyCount:         v.MaxRdyCount,
		Version:             v.Version,
		MaxMsgTimeout:       v.Limits.MaxMsgTimeout.Milliseconds(),
		MsgTimeout:          settings.MsgTimeout.Milliseconds(),
		TLSv1:               u.tls,
		Deflate:             u.deflate,
		DeflateLevel:        u.level,
		MaxDeflateLevel:     v.MaxDeflateLevel,
		Snappy:              u.snappy,
		SampleRate:          settings.SampleRate,
		AuthRequired:        v.Auth != nil,
		OutputBufferSize:    settings.OutputBufferSize,
		OutputBufferTimeout: settings.OutputBufferTimeout.Milliseconds(),
		TopologyRegion:      v.TopologyRegion,
		TopologyZone:        v.TopologyZone,
	}
}

// security is what /stats shows of a client's layers and of who it is.
type security struct {
	tls             *tls.ConnectionState
	deflate, snappy bool
	authed          bool
	identity, url   string
}

// noteSecurity changes what is shown.
func (s *Session) noteSecurity(note func(*security)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.security == nil {
		s.security = new(security)
	}
	note(s.security)
}

func (n *security) show(c *protocol.ClientStats) {
	c.Deflate, c.Snappy = n.deflate, n.snappy
	c.Authed, c.AuthIdentity, c.AuthIdentityURL = n.authed, n.identity, n.url
	if n.tls != nil {
		c.TLS = true
		c.TLSCipherSuite = tls.CipherSuiteName(n.tls.CipherSuite)
		c.TLSVersion = strings.ReplaceAll(tls.VersionName(n.tls.Version), " ", "")
		c.TLSNegotiatedProtocol = n.tls.NegotiatedProtocol
		c.TLSNegotiatedProtocolIsMutual = true
	}
}
