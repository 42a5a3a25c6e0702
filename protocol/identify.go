package protocol

import (
	"encoding/json"
	"time"
)

// Defaults and bounds of IDENTIFY that no flag changes.
const (
	DefaultHeartbeat    = 30 * time.Second
	MinHeartbeat        = time.Second
	DefaultOutputBuffer = 16 * 1024
	MinOutputBuffer     = 64
	MinMsgTimeout       = time.Second
	MaxSampleRate       = 99
	DefaultDeflateLevel = 6
)

// Identify is the body of IDENTIFY (protocol.md 4.1). Times are in ms.
type Identify struct {
	ClientID            string `json:"client_id"`
	Hostname            string `json:"hostname"`
	UserAgent           string `json:"user_agent"`
	FeatureNegotiation  bool   `json:"feature_negotiation"`
	HeartbeatInterval   int    `json:"heartbeat_interval"`
	OutputBufferSize    int    `json:"output_buffer_size"`
	OutputBufferTimeout int    `json:"output_buffer_timeout"`
	SampleRate          int32  `json:"sample_rate"`
	MsgTimeout          int    `json:"msg_timeout"`
	TLSv1               bool   `json:"tls_v1"`
	Snappy              bool   `json:"snappy"`
	Deflate             bool   `json:"deflate"`
	DeflateLevel        int    `json:"deflate_level"`
	TopologyRegion      string `json:"topology_region"`
	TopologyZone        string `json:"topology_zone"`
}

// IdentifyReply is the answer to an IDENTIFY with feature negotiation
// (protocol.md 4.2), keys in the order in which clients have always seen them.
type IdentifyReply struct {
	MaxRdyCount         int64  `json:"max_rdy_count"`
	Version             string `json:"version"`
	MaxMsgTimeout       int64  `json:"max_msg_timeout"`
	MsgTimeout          int64  `json:"msg_timeout"`
	TLSv1               bool   `json:"tls_v1"`
	Deflate             bool   `json:"deflate"`
	DeflateLevel        int    `json:"deflate_level"`
	MaxDeflateLevel     int    `json:"max_deflate_level"`
	Snappy              bool   `json:"snappy"`
	SampleRate          int32  `json:"sample_rate"`
	AuthRequired        bool   `json:"auth_required"`
	OutputBufferSize    int    `json:"output_buffer_size"`
	OutputBufferTimeout int64  `json:"output_buffer_timeout"`
	TopologyRegion      string `json:"topology_region"`
	TopologyZone        string `json:"topology_zone"`
}

// Limits are the server's settings that bound what a client may ask for.
type Limits struct {
	MaxHeartbeat           time.Duration
	MaxOutputBuffer        int
	OutputBufferTimeout    time.Duration // default
	MinOutputBufferTimeout time.Duration
	MaxOutputBufferTimeout time.Duration
	MsgTimeout             time.Duration // default
	MaxMsgTimeout          time.Duration
}

// Settings are what a client's IDENTIFY comes to.
type Settings struct {
	Heartbeat           time.Duration // 0: none
	OutputBufferSize    int
	OutputBufferTimeout time.Duration // 0: none
	SampleRate          int32
	MsgTimeout          time.Duration
}

// DefaultSettings are those of a client that has not sent IDENTIFY.
func (l *Limits) DefaultSettings() Settings {
	return Settings{
		Heartbeat:           DefaultHeartbeat,
		OutputBufferSize:    DefaultOutputBuffer,
		OutputBufferTimeout: l.OutputBufferTimeout,
		MsgTimeout:          l.MsgTimeout,
	}
}

// ParseIdentify decodes the body of an IDENTIFY. The error is E_BAD_BODY.
func ParseIdentify(body []byte) (Identify, error) {
	var id Identify
	if err := json.Unmarshal(body, &id); err != nil {
		return id, BadBody.Errorf("IDENTIFY failed to decode JSON body").Because(err)
	}
	return id, nil
}

// Apply checks what the client asks for, in the order of protocol.md 4, and
// returns what it comes to. The error is E_BAD_BODY.
func (l *Limits) Apply(id *Identify) (Settings, error) {
	s := l.DefaultSettings()
	var ok bool
	if s.Heartbeat, ok = within(id.HeartbeatInterval, s.Heartbeat, MinHeartbeat, l.MaxHeartbeat, true); !ok {
		return s, BadBody.Errorf("IDENTIFY heartbeat interval (%d) is invalid", id.HeartbeatInterval)
	}
	if s.OutputBufferTimeout, ok = within(id.OutputBufferTimeout, s.OutputBufferTimeout, l.MinOutputBufferTimeout, l.MaxOutputBufferTimeout, true); !ok {
		return s, BadBody.Errorf("IDENTIFY output buffer timeout (%d) is invalid", id.OutputBufferTimeout)
	}
	switch n := id.OutputBufferSize; {
	case n == 0:
	case n == -1:
		s.OutputBufferSize, s.OutputBufferTimeout = 1, 0
	case n >= MinOutputBuffer && n <= l.MaxOutputBuffer:
		s.OutputBufferSize = n
	default:
		return s, BadBody.Errorf("IDENTIFY output buffer size (%d) is invalid", n)
	}
	if id.SampleRate < 0 || id.SampleRate > MaxSampleRate {
		return s, BadBody.Errorf("IDENTIFY sample rate (%d) is invalid", id.SampleRate)
	}
	s.SampleRate = id.SampleRate
	if s.MsgTimeout, ok = within(id.MsgTimeout, s.MsgTimeout, MinMsgTimeout, l.MaxMsgTimeout, false); !ok {
		return s, BadBody.Errorf("IDENTIFY msg timeout (%d) is invalid", id.MsgTimeout)
	}
	return s, nil
}

// within returns the duration of ms; 0 is the default, and -1, if it may be, none.
func within(ms int, byDefault, least, most time.Duration, offAllowed bool) (time.Duration, bool) {
	switch {
	case ms == 0:
		return byDefault, true
	case ms == -1 && offAllowed:
		return 0, true
	case ms < 0 || int64(ms) < least.Milliseconds() || int64(ms) > most.Milliseconds():
		return 0, false
	}
	return time.Duration(ms) * time.Millisecond, true
}

// AuthReply is the answer to AUTH (protocol.md 6).
type AuthReply struct {
	Identity        string `json:"identity"`
	IdentityURL     string `json:"identity_url"`
	PermissionCount int    `json:"permission_count"`
}
