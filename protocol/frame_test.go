package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

func TestFrames(t *testing.T) {
	ok := AppendFrame(nil, FrameResponse, OK)
	if want := "\x00\x00\x00\x06\x00\x00\x00\x00OK"; string(ok) != want {
		t.Errorf("%q, want %q", ok, want)
	}
	both := AppendFrame(ok, FrameError, "E_INVALID x")
	in := bytes.NewReader(both)
	for _, want := range []string{"OK", "E_INVALID x"} {
		if _, data, err := ReadFrame(in, 100); err != nil || string(data) != want {
			t.Errorf("%q, %v, want %q", data, err, want)
		}
	}
	for text, want := range map[string]error{
		"":                                   io.EOF,
		"\x00\x00\x00":                       io.ErrUnexpectedEOF,
		"\x00\x00\x00\x06\x00\x00\x00\x00O":  io.ErrUnexpectedEOF,
		"\x00\x00\x00\x06\x00\x00\x00\x00":   io.ErrUnexpectedEOF,
		"\x00\x00\x00\x03\x00\x00\x00\x00":   ErrFrame,
		"\xff\xff\xff\xff\x00\x00\x00\x00":   ErrFrame,
		"\x7f\xff\xff\xff\x00\x00\x00\x00":   ErrFrame,
		"\x00\x00\x00\x0f\x00\x00\x00\x0012": ErrFrame, // 11 bytes, and 10 are allowed
	} {
		if _, _, err := ReadFrame(strings.NewReader(text), 10); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

func TestReplies(t *testing.T) {
	got, err := ReadReply(bytes.NewReader(AppendReply(nil, "OK")), 2)
	if err != nil || string(got) != "OK" {
		t.Errorf("%q, %v", got, err)
	}
	for text, want := range map[string]error{
		"":                     io.EOF,
		"\x00\x00":             io.ErrUnexpectedEOF,
		"\x00\x00\x00\x02O":    io.ErrUnexpectedEOF,
		"\x00\x00\x00\x03OKOK": ErrFrame,
		"\xff\xff\xff\xff":     ErrFrame,
	} {
		if _, err := ReadReply(strings.NewReader(text), 2); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

// TestDeclaredSizesCostLittle holds that what a peer claims is not allocated, and what
// it has sent at most twice over.
func TestDeclaredSizesCostLittle(t *testing.T) {
	for _, c := range []struct {
		size, sent, limit int
		most              uint64
	}{
		{1<<31 - 1, 0, 1 << 20, 1 << 10},
		{64 << 20, 0, 64 << 20, onTrust + 1<<10},
		{64 << 20, onTrust, 64 << 20, 5 * onTrust}, // what came, twice that, and what the race detector makes of append
		{1 << 20, 1 << 20, 1 << 20, 4 << 20},       // all steps on the way to it
	} {
		for name, read := range map[string]func(){
			"frame": func() { ReadFrame(claim(c.size+4, c.sent+4), c.limit) },
			"reply": func() { ReadReply(claim(c.size, c.sent), int64(c.limit)) },
		} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range 10 {
				read()
			}
			runtime.ReadMemStats(&after)
			if n := (after.TotalAlloc - before.TotalAlloc) / 10; n > c.most {
				t.Errorf("%s, %+v: %d bytes", name, c, n)
			}
		}
	}
}

// claim returns a stream that declares size bytes and has sent ones.
func claim(size, sent int) io.Reader {
	return io.MultiReader(bytes.NewReader(binary.BigEndian.AppendUint32(nil, uint32(size))), io.LimitReader(zeros{}, int64(sent)))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestLongFrame has one come that is longer than what is allocated on trust.
func TestLongFrame(t *testing.T) {
	for _, size := range []int{0, onTrust - 1, onTrust, onTrust + 1, 3*onTrust + 1} {
		text := strings.Repeat("abc", size/3+1)[:size]
		kind, data, err := ReadFrame(bytes.NewReader(AppendFrame(nil, FrameMessage, text)), size)
		if err != nil || kind != FrameMessage || string(data) != text {
			t.Errorf("%d bytes: %d, %d bytes, %v", size, kind, len(data), err)
		}
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add(AppendFrame(nil, FrameMessage, "data"))
	f.Add([]byte("\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		kind, data, err := ReadFrame(bytes.NewReader(in), 100)
		if err == nil && (len(data) > 100 || !bytes.HasPrefix(in, AppendFrame(nil, kind, string(data)))) {
			t.Fatalf("%q: type %d, %q", in, kind, data)
		}
	})
}

func FuzzReadReply(f *testing.F) {
	f.Add(AppendReply(nil, "OK"))
	f.Add([]byte("\x00\x00\x00\x65"))
	f.Fuzz(func(t *testing.T, in []byte) {
		data, err := ReadReply(bytes.NewReader(in), 100)
		if err == nil && (len(data) > 100 || !bytes.HasPrefix(in, AppendReply(nil, string(data)))) {
			t.Fatalf("%q: %q", in, data)
		}
	})
}

func TestMessages(t *testing.T) {
	m := Message{ID: NewMessageID(0xabc), Timestamp: 1 << 60, Attempts: 65535, Body: []byte("body")}
	record := AppendMessage(nil, m)
	frame := make([]byte, MessageFrameHeaderSize)
	PutMessageHeader(frame, len(m.Body), m.Timestamp, 1, 0xabc)
	SetMessageAttempts(frame, m.Attempts)
	if want := AppendFrame(nil, FrameMessage, string(record)); string(frame)+"body" != string(want) {
		t.Errorf("frame %q, want %q", frame, want)
	}
	got, err := DecodeMessage(record)
	if err != nil || got.ID != m.ID || got.Timestamp != m.Timestamp || got.Attempts != m.Attempts || string(got.Body) != "body" {
		t.Errorf("%+v, %v", got, err)
	}
	if m, err := DecodeMessage(record[:MessageHeaderSize]); err != nil || len(m.Body) != 0 {
		t.Errorf("a message without body: %+v, %v", m, err)
	}
	if _, err := DecodeMessage(record[:MessageHeaderSize-1]); !errors.Is(err, ErrFrame) {
		t.Errorf("a record that is too short: %v", err)
	}
}

func FuzzDecodeMessage(f *testing.F) {
	f.Add([]byte{})
	f.Add(AppendMessage(nil, Message{Attempts: 1, Body: []byte("x")}))
	f.Fuzz(func(t *testing.T, record []byte) {
		m, err := DecodeMessage(record)
		if (err == nil) != (len(record) >= MessageHeaderSize) {
			t.Fatalf("%d bytes: %v", len(record), err)
		}
		if err == nil && !bytes.Equal(AppendMessage(nil, m), record) {
			t.Fatalf("%q: %+v", record, m)
		}
	})
}

func TestMessageIDs(t *testing.T) {
	for n, text := range map[uint64]string{0: "0000000000000000", 0x0123456789abcdef: "0123456789abcdef", 1<<64 - 1: "ffffffffffffffff"} {
		id := NewMessageID(n)
		if got, ok := ParseMessageID(id); id.String() != text || !ok || got != n {
			t.Errorf("%d: %s, %d, %t", n, id, got, ok)
		}
	}
	for _, text := range []string{"0123456789ABCDEF", "               1", "g000000000000000", "000000000000000\x00", "000000000000000\xff"} {
		if n, ok := ParseMessageID(MessageID([]byte(text))); ok {
			t.Errorf("%q: taken for %d", text, n)
		}
	}
}

func FuzzMessageID(f *testing.F) {
	f.Add([]byte("0123456789abcdef"))
	f.Add([]byte("0123456789ABCDEF"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) < 16 {
			return
		}
		id := MessageID(text[:16])
		if n, ok := ParseMessageID(id); ok && NewMessageID(n) != id {
			t.Fatalf("%q: %x", id, n)
		}
	})
}

func TestErrors(t *testing.T) {
	cause := errors.New("cause")
	for _, c := range []struct {
		err   *Error
		text  string
		fatal bool
	}{
		{BadProtocol.Errorf(""), "E_BAD_PROTOCOL", true},
		{Invalid.Errorf("RDY count %d", 7), "E_INVALID RDY count 7", true},
		{FinFailed.Errorf("FIN failed"), "E_FIN_FAILED FIN failed", false},
		{ReqFailed.Errorf("x"), "E_REQ_FAILED x", false},
		{TouchFailed.Errorf("x"), "E_TOUCH_FAILED x", false},
		{PubFailed.Errorf("x").Because(cause), "E_PUB_FAILED x", true},
	} {
		if c.err.Error() != c.text || c.err.Code.Fatal() != c.fatal {
			t.Errorf("%q, fatal %t", c.err, c.err.Code.Fatal())
		}
	}
	if !errors.Is(PubFailed.Errorf("x").Because(cause), cause) {
		t.Error("the cause is lost")
	}
	if got := Echo(strings.Repeat("x", 20000)); len(got) != maxEcho {
		t.Errorf("%d bytes are echoed", len(got))
	}
}
