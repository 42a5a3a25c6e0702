package session

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/protocol"
)

// A transcript is what goes over the wire, a step a line:
//
//	> SUB t c           the client sends a line
//	> PUB t [hello]     the same, and a body with its size before it
//	>. NOP\nNO          it sends text with Go's escapes and no newline behind it
//	< OK                the client receives a response
//	< ! E_INVALID x     an error
//	< m2 hello          a message on its second attempt
//	< nothing           nothing that has not been told (in a bubble only)
//	< eof               the end
//	= 30s               time passes (in a bubble only)
//	! empty t c         something is done to topic t or channel c of it
//	! leave             the first client closes its connection
//	! calm              all sessions wait with a small stack
//	! counts 1 in flight, 2 requeues    so says what the channel c of topic t counts
//
// In what is sent, [text] is a body, [10*x] one of ten bytes x, [=7] only the
// size 7, and $1 the ID of the first message received; in what is received \s is
// a space, and … at the end is anything. A letter before the sign tells clients apart: b> NOP.
type transcript struct {
	t       *testing.T
	live    *live
	over    transport
	bubble  bool
	raw     bool // the magic is left to the transcript
	clients map[string]*client
	ids     []string
	line    string
}

// patience is how long a frame is waited for. It is not waited for where time is faked.
const patience = 20 * time.Second

func (s *transcript) run(text string) {
	s.t.Helper()
	s.clients = map[string]*client{}
	s.client("")
	for _, line := range strings.Split(text, "\n") {
		s.line = strings.TrimSpace(line)
		if s.line == "" || s.line[0] == '#' {
			continue
		}
		at := strings.IndexAny(s.line, "><!=")
		who, sign, rest := s.line[:at], s.line[at], strings.TrimPrefix(s.line[at+1:], " ")
		switch sign {
		case '>':
			s.send(s.client(who), rest)
		case '<':
			s.expect(s.client(who), rest)
		case '=':
			d, err := time.ParseDuration(rest)
			if err != nil {
				s.fatalf("%v", err)
			}
			<-time.After(d)
			synctest.Wait()
		case '!':
			s.act(strings.Fields(rest))
		}
	}
}

func (s *transcript) fatalf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s\n\tat: %s", fmt.Sprintf(format, args...), s.line)
}

func (s *transcript) client(name string) *client {
	c := s.clients[name]
	if c == nil {
		c = s.live.client(s.over, s.raw)
		s.clients[name] = c
	}
	return c
}

func (s *transcript) send(c *client, text string) {
	if raw, ok := strings.CutPrefix(text, "."); ok {
		c.write(s.expand(strings.TrimPrefix(raw, " ")))
		return
	}
	body := ""
	if i := strings.Index(text, " ["); i >= 0 {
		text, body = text[:i], text[i+1:]
	}
	c.write(append(append(s.expand(text), '\n'), s.expand(body)...))
}

// expand makes bytes of what a transcript says is sent.
func (s *transcript) expand(text string) []byte {
	for i := len(s.ids); i > 0; i-- {
		text = strings.ReplaceAll(text, fmt.Sprintf("$%d", i), s.ids[i-1])
	}
	var out []byte
	for text != "" {
		plain, rest, bracket := strings.Cut(text, "[")
		out = append(out, s.unquote(plain)...)
		if !bracket {
			break
		}
		var inner string
		inner, text, _ = strings.Cut(rest, "]")
		var n int64
		var c byte
		if _, err := fmt.Sscanf(inner, "=%d", &n); err == nil {
			out = binary.BigEndian.AppendUint32(out, uint32(n))
		} else if _, err := fmt.Sscanf(inner, "%d*%c", &n, &c); err == nil {
			out = protocol.AppendBody(out, bytes.Repeat([]byte{c}, int(n)))
		} else {
			out = protocol.AppendBody(out, s.unquote(inner))
		}
	}
	return out
}

func (s *transcript) unquote(text string) []byte {
	plain, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
	if err != nil {
		s.fatalf("%v", err)
	}
	return []byte(plain)
}

func (s *transcript) expect(c *client, want string) {
	s.t.Helper()
	got := s.next(c)
	if got.kind == protocol.FrameMessage && got.err == nil {
		m, err := protocol.DecodeMessage([]byte(got.data))
		if err != nil {
			s.fatalf("%v", err)
		}
		s.ids = append(s.ids, m.ID.String())
		got.data = fmt.Sprintf("m%d %s", m.Attempts, m.Body)
	}
	for i := len(s.ids); i > 0; i-- {
		want = strings.ReplaceAll(want, fmt.Sprintf("$%d", i), s.ids[i-1])
	}
	start, open := strings.CutSuffix(strings.ReplaceAll(want, `\s`, " "), "…")
	if got := got.text(); got != start && !(open && strings.HasPrefix(got, start)) {
		s.fatalf("got  %q\n\twant %q", got, want)
	}
}

func (s *transcript) next(c *client) frame {
	if s.bubble {
		synctest.Wait()
		select {
		case f := <-c.frames:
			return f
		default:
			return frame{data: "nothing"}
		}
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case f := <-c.frames:
		return f
	case <-timer.C:
		return frame{data: "nothing"}
	}
}

// act does what an operator would do over HTTP, and some more.
func (s *transcript) act(words []string) {
	switch words[0] {
	case "leave":
		s.client("").close()
		if s.bubble {
			synctest.Wait()
		}
		return
	case "calm":
		awaitCalm(s.t, len(s.clients))
		return
	case "counts":
		c := s.live.channel("t", "c").Stats()
		got := fmt.Sprintf("%d deep, %d in flight, %d deferred, %d messages, %d requeues, %d timeouts, %d consumers,",
			c.Depth, c.InFlight, c.Deferred, c.Messages, c.Requeues, c.Timeouts, c.Consumers)
		for _, want := range strings.Split(strings.Join(words[1:], " "), ", ") {
			if !strings.Contains(" "+got, " "+want+",") {
				s.fatalf("it counts %s", got)
			}
		}
		return
	}
	t, err := s.live.broker.Topic(words[1])
	if err != nil {
		s.fatalf("%v", err)
	}
	switch strings.Join(append(words[:1:1], words[2:]...), " ") {
	case "pause":
		t.Pause()
	case "unpause":
		t.Unpause()
	case "empty":
		err = t.Empty()
	case "delete":
		err = s.live.broker.DeleteTopic(t.Name())
	case "pause c":
		s.live.channel("t", "c").Pause()
	case "unpause c":
		s.live.channel("t", "c").Unpause()
	case "empty c":
		err = s.live.channel("t", "c").Empty()
	case "delete c":
		err = t.DeleteChannel("c")
	default:
		s.fatalf("unknown action")
	}
	if err != nil {
		s.fatalf("%v", err)
	}
}

// frame is one that a client received, or why it received none.
type frame struct {
	kind protocol.FrameType
	data string
	err  error
}

func (f frame) text() string {
	switch {
	case f.err != nil:
		return "eof"
	case f.kind == protocol.FrameError:
		return "! " + f.data
	}
	return f.data
}
