package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var defaultLimits = Limits{
	MaxHeartbeat:           time.Minute,
	MaxOutputBuffer:        65536,
	OutputBufferTimeout:    250 * time.Millisecond,
	MinOutputBufferTimeout: 25 * time.Millisecond,
	MaxOutputBufferTimeout: 30 * time.Second,
	MsgTimeout:             time.Minute,
	MaxMsgTimeout:          15 * time.Minute,
}

// TestIdentifyBounds goes over each bound of protocol.md 4.1.
func TestIdentifyBounds(t *testing.T) {
	for _, f := range []struct {
		key, words string
		good, bad  []int
		got        func(Settings) any
		want       []any // for each good value
	}{
		{"heartbeat_interval", "heartbeat interval", []int{-1, 0, 1000, 60000}, []int{-2, 1, 999, 60001},
			func(s Settings) any { return s.Heartbeat }, []any{time.Duration(0), 30 * time.Second, time.Second, time.Minute}},
		{"output_buffer_timeout", "output buffer timeout", []int{-1, 0, 25, 30000}, []int{-2, 1, 24, 30001},
			func(s Settings) any { return s.OutputBufferTimeout }, []any{time.Duration(0), 250 * time.Millisecond, 25 * time.Millisecond, 30 * time.Second}},
		{"output_buffer_size", "output buffer size", []int{-1, 0, 64, 65536}, []int{-2, 1, 63, 65537},
			func(s Settings) any { return s.OutputBufferSize }, []any{1, 16384, 64, 65536}},
		{"sample_rate", "sample rate", []int{0, 1, 99}, []int{-1, -2, 100},
			func(s Settings) any { return s.SampleRate }, []any{int32(0), int32(1), int32(99)}},
		{"msg_timeout", "msg timeout", []int{0, 1000, 900000}, []int{-1, -2, 1, 999, 900001},
			func(s Settings) any { return s.MsgTimeout }, []any{time.Minute, time.Second, 15 * time.Minute}},
	} {
		apply := func(v int) (Settings, error) {
			id, err := ParseIdentify(fmt.Appendf(nil, `{"%s":%d}`, f.key, v))
			if err != nil {
				t.Fatal(err)
			}
			return defaultLimits.Apply(&id)
		}
		for i, v := range f.good {
			if s, err := apply(v); err != nil || f.got(s) != f.want[i] {
				t.Errorf("%s %d: %v, %v, want %v", f.key, v, f.got(s), err, f.want[i])
			}
		}
		for _, v := range f.bad {
			want := fmt.Sprintf("E_BAD_BODY IDENTIFY %s (%d) is invalid", f.words, v)
			if _, err := apply(v); err == nil || err.Error() != want {
				t.Errorf("%s %d: %v, want %s", f.key, v, err, want)
			}
		}
	}
}

func TestIdentifyRules(t *testing.T) {
	id := Identify{OutputBufferSize: -1, OutputBufferTimeout: 100}
	if s, err := defaultLimits.Apply(&id); err != nil || s.OutputBufferSize != 1 || s.OutputBufferTimeout != 0 {
		t.Errorf("no buffering comes to %+v, %v", s, err)
	}
	// The first failure in the specification's order wins.
	id = Identify{MsgTimeout: 1, SampleRate: 100, OutputBufferSize: 1, OutputBufferTimeout: 1, HeartbeatInterval: 1}
	for _, f := range []struct {
		words string
		heal  *int
	}{{"heartbeat", &id.HeartbeatInterval}, {"output buffer timeout", &id.OutputBufferTimeout}, {"output buffer size", &id.OutputBufferSize}} {
		if _, err := defaultLimits.Apply(&id); err == nil || !strings.Contains(err.Error(), f.words) {
			t.Errorf("%v, want one about %s", err, f.words)
		}
		*f.heal = 0
	}
	if _, err := defaultLimits.Apply(&id); err == nil || !strings.Contains(err.Error(), "sample rate") {
		t.Errorf("%v", err)
	}
}

func TestParseIdentify(t *testing.T) {
	for body, want := range map[string]Identify{
		`{}`:   {},
		`null`: {},
		`{"client_id":null,"heartbeat_interval":null}`:       {},
		`{"CLIENT_ID":"a","Heartbeat_Interval":7}`:           {ClientID: "a", HeartbeatInterval: 7},
		`{"client_id":"a","client_id":"b"}`:                  {ClientID: "b"},
		` {"short_id":"a","long_id":"b","whatever":[1,{}]} `: {},
	} {
		if id, err := ParseIdentify([]byte(body)); err != nil || id != want {
			t.Errorf("%s: %+v, %v", body, id, err)
		}
	}
	for _, body := range []string{
		``, `{`, `[]`, `"x"`, `7`, `{"client_id":1}`, `{"heartbeat_interval":"1000"}`, `{"heartbeat_interval":1.5}`,
		`{"heartbeat_interval":2e3}`, `{"sample_rate":2147483648}`, `{"msg_timeout":99999999999999999999}`, `{} {}`, `{"tls_v1":1}`, `{}x`,
	} {
		var e *Error
		if _, err := ParseIdentify([]byte(body)); !errors.As(err, &e) || e.Error() != "E_BAD_BODY IDENTIFY failed to decode JSON body" {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestIdentifyReply(t *testing.T) {
	reply, err := json.Marshal(IdentifyReply{MaxRdyCount: 2500, Version: "1.3.0", MaxMsgTimeout: 900000, MsgTimeout: 60000,
		DeflateLevel: 6, MaxDeflateLevel: 6, OutputBufferSize: 16384, OutputBufferTimeout: 250})
	want := `{"max_rdy_count":2500,"version":"1.3.0","max_msg_timeout":900000,"msg_timeout":60000,"tls_v1":false,"deflate":false,"deflate_level":6,` +
		`"max_deflate_level":6,"snappy":false,"sample_rate":0,"auth_required":false,"output_buffer_size":16384,"output_buffer_timeout":250,` +
		`"topology_region":"","topology_zone":""}`
	if err != nil || string(reply) != want {
		t.Errorf("%s, want %s", reply, want)
	}
}

func FuzzIdentify(f *testing.F) {
	f.Add([]byte(`{"client_id":"a","heartbeat_interval":-1,"output_buffer_size":-1,"sample_rate":99}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		id, err := ParseIdentify(body)
		if err != nil {
			return
		}
		s, err := defaultLimits.Apply(&id)
		if err != nil {
			return
		}
		bad := s.Heartbeat != 0 && (s.Heartbeat < MinHeartbeat || s.Heartbeat > defaultLimits.MaxHeartbeat) ||
			s.OutputBufferSize < 1 || s.OutputBufferSize > defaultLimits.MaxOutputBuffer ||
			s.OutputBufferTimeout < 0 || s.OutputBufferTimeout > defaultLimits.MaxOutputBufferTimeout ||
			s.SampleRate < 0 || s.SampleRate > MaxSampleRate ||
			s.MsgTimeout < MinMsgTimeout || s.MsgTimeout > defaultLimits.MaxMsgTimeout
		if bad {
			t.Fatalf("%s: %+v", body, s)
		}
	})
}
