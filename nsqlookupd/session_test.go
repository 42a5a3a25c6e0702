package nsqlookupd

import (
	"encoding/binary"
	"strings"
	"testing"

	"nsqsuite/protocol"
)

const anybody = `{"broadcast_address":"a","tcp_port":1,"http_port":2,"version":"v"}`

// TestTranscripts is nsqlookupd.md 2: what is sent after the magic, and what comes back.
func TestTranscripts(t *testing.T) {
	d := start(t)
	const hello = "hello" // stands for the answer to IDENTIFY
	me := command(anybody)
	long, word := strings.Repeat("n", 64), strings.Repeat("w", 2000)
	for _, c := range []struct {
		name, send string
		closed     bool // the daemon closes the connection after the last answer
		answers    []string
	}{
		{"ping before IDENTIFY", "PING\n", false, []string{"OK"}},
		{"identify and register", me + "REGISTER t c\nREGISTER t\nPING\nUNREGISTER t c\nUNREGISTER t c\nUNREGISTER t\nUNREGISTER u\n", false,
			[]string{hello, "OK", "OK", "OK", "OK", "OK", "OK", "OK"}},
		{"CRLF and outer white space", " PING \t\r\nPING surplus words\n\t" + me + "REGISTER t c surplus\r\n", false, []string{"OK", "OK", hello, "OK"}},
		{"words behind IDENTIFY", strings.Replace(me, "IDENTIFY", "IDENTIFY a b", 1), false, []string{hello}},
		{"empty channel is none", me + "REGISTER t  c\n", false, []string{hello, "OK"}},
		{"longest names", me + "REGISTER " + long + " " + long + "\nREGISTER a#ephemeral b#ephemeral\n", false, []string{hello, "OK", "OK"}},

		{"unknown command", "NOP\n", true, []string{"E_INVALID invalid command NOP"}},
		{"lower case", "ping\n", true, []string{"E_INVALID invalid command ping"}},
		{"empty line", "\nPING\n", true, []string{"E_INVALID invalid command "}},
		{"tab does not separate", "REGISTER\tt\n", true, []string{"E_INVALID invalid command REGISTER\tt"}},
		{"long word comes back cut", word + "\n", true, []string{"E_INVALID invalid command " + word[:1024]}},
		{"longest line", "PING" + strings.Repeat(" ", maxLine-5) + "\n", false, []string{"OK"}},
		{"line one longer", "PING" + strings.Repeat(" ", maxLine-4) + "\n", true, []string{"E_INVALID command line is too long"}},
		{"line without end", strings.Repeat(word, 60), true, []string{"E_INVALID command line is too long"}},
		{"REGISTER before IDENTIFY", "REGISTER\n", true, []string{"E_INVALID client must IDENTIFY"}},
		{"UNREGISTER before IDENTIFY", "UNREGISTER t\n", true, []string{"E_INVALID client must IDENTIFY"}},
		{"IDENTIFY again", me + "IDENTIFY\n", true, []string{hello, "E_INVALID cannot IDENTIFY again"}},
		{"REGISTER without topic", me + "REGISTER\n", true, []string{hello, "E_INVALID REGISTER insufficient number of params"}},
		{"UNREGISTER without topic", me + "UNREGISTER\n", true, []string{hello, "E_INVALID UNREGISTER insufficient number of params"}},
		{"empty topic", me + "REGISTER  c\n", true, []string{hello, "E_BAD_TOPIC REGISTER topic name '' is not valid"}},
		{"bad topic before bad channel", me + "UNREGISTER t* c*\n", true, []string{hello, "E_BAD_TOPIC UNREGISTER topic name 't*' is not valid"}},
		{"bad channel", me + "REGISTER t c*\n", true, []string{hello, "E_BAD_CHANNEL REGISTER channel name 'c*' is not valid"}},
		{"name too long", me + "REGISTER " + long + "n\n", true, []string{hello, "E_BAD_TOPIC REGISTER topic name '" + long + "n' is not valid"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := d.dial(t)
			conn.send("  V1" + c.send)
			for _, want := range c.answers {
				if want == hello {
					want = d.hello()
				}
				conn.expect(want)
			}
			if c.closed {
				conn.expectEOF()
			} else {
				conn.send("PING\n")
				conn.expect("OK")
			}
		})
	}
}

func TestMagic(t *testing.T) {
	d := start(t)
	for _, magic := range []string{"  V2", "GET ", "\x00\x00\x00\x00", "  v1"} {
		c := d.dial(t)
		c.send(magic + strings.Repeat("more", 1000))
		c.expect("E_BAD_PROTOCOL")
		c.expectEOF()
	}
	for _, part := range []string{"", "  V"} {
		c := d.dial(t)
		c.send(part)
		c.Conn.(interface{ CloseWrite() error }).CloseWrite()
		c.expectEOF()
	}
	c := d.dial(t)
	for _, b := range "  V1PING\n" {
		c.send(string(b)) // in nine packets
	}
	c.expect("OK")
}

// TestIdentifyBody is nsqlookupd.md 2.4 and the last rows of 2.5.
func TestIdentifyBody(t *testing.T) {
	const (
		noSize  = "E_BAD_BODY IDENTIFY failed to read body size"
		noBody  = "E_BAD_BODY IDENTIFY failed to read body"
		noJSON  = "E_BAD_BODY IDENTIFY failed to decode JSON body"
		missing = "E_BAD_BODY IDENTIFY missing fields"
	)
	d := start(t)
	size := func(n uint32) string { return string(binary.BigEndian.AppendUint32([]byte("IDENTIFY\n"), n)) }
	without := func(key string) string { return command(strings.Replace(anybody, key, "other", 1)) }
	for _, c := range []struct{ name, send, want string }{
		{"all there", command(anybody), ""},
		{"other keys, other case", command(`{"Broadcast_Address":"a","TCP_PORT":-1,"http_port":70000,"version":"x","remote_address":"spoof","more":[1]}`), ""},
		{"HTTPS only", command(`{"broadcast_address":"a","tcp_port":1,"http_port":0,"https_port":2,"version":"x"}`), ""},
		{"no size", "IDENTIFY\n", noSize},
		{"half a size", "IDENTIFY\n\x00\x00", noSize},
		{"half a body", size(10) + "{}", noBody},
		{"negative", size(1<<32-1) + "{}", noBody},
		{"smallest", size(1 << 31), noBody},
		{"2 GiB", size(1<<31-1) + "{}", noBody},
		{"above the limit", size(maxBody+1) + strings.Repeat(" ", maxBody+1), noBody},
		{"empty", size(0), noJSON},
		{"no JSON", command("x"), noJSON},
		{"no object", command("[]"), noJSON},
		{"bytes behind", command(anybody + "x"), noJSON},
		{"string for integer", command(`{"tcp_port":"1"}`), noJSON},
		{"float for integer", command(`{"tcp_port":4150.0}`), noJSON},
		{"integer for string", command(`{"version":1}`), noJSON},
		{"null", command("null"), missing},
		{"without address", without("broadcast_address"), missing},
		{"without TCP port", without("tcp_port"), missing},
		{"without HTTP port", without("http_port"), missing},
		{"without version", without("version"), missing},
		{"empty address", command(strings.Replace(anybody, `"a"`, `""`, 1)), missing},
		{"port 0", command(strings.Replace(anybody, "1", "0", 1)), missing},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := d.dial(t)
			conn.send("  V1" + c.send)
			conn.Conn.(interface{ CloseWrite() error }).CloseWrite()
			if c.want == "" {
				c.want = d.hello()
			}
			conn.expect(c.want)
			conn.expectEOF()
		})
	}
	conn := d.dial(t)
	conn.send("  V1" + command(`{"broadcast_address":"a","tcp_port":1,"http_port":2,"version":"v","remote_address":"spoof"}`))
	conn.expect(d.hello())
	if text := d.get(t, "/nodes"); !strings.Contains(text, `"remote_address":"`+conn.LocalAddr().String()+`"`) {
		t.Errorf("the client's own idea of its address is believed: %s", text)
	}
}

// TestErrorsDisconnect: an error takes a producer out of everything at once.
func TestErrorsDisconnect(t *testing.T) {
	d := start(t)
	c := d.join(t, "a", 1, "t c")
	c.send("JUMP\n")
	c.expect("E_INVALID invalid command JUMP")
	c.expectEOF()
	d.gone(t, c)
	if got, want := d.get(t, "/lookup?topic=t"), `{"channels":["c"],"producers":[]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := d.get(t, "/debug"); got != "{}" {
		t.Errorf("/debug: %s", got)
	}
}

func TestIdentifyAllocatesWhatArrives(t *testing.T) {
	d := start(t)
	var conns []*client
	for range 200 { // each announces a MiB and sends a byte
		c := d.dial(t)
		c.send("  V1" + string(binary.BigEndian.AppendUint32([]byte("IDENTIFY\n"), maxBody)) + "{")
		conns = append(conns, c)
	}
	before := heapInUse()
	d.join(t, "a", 1, "t") // a round trip
	if grown := int64(heapInUse()) - int64(before); grown > 50<<20 {
		t.Errorf("%d announced bodies took %d bytes", len(conns), grown)
	}
}

// FuzzSession throws bytes at a session: it must end by itself, and leave nothing behind.
func FuzzSession(f *testing.F) {
	d := start(f)
	f.Add([]byte("  V1PING\nREGISTER t c\n"))
	f.Add([]byte("  V1" + command(anybody) + "REGISTER t c\nUNREGISTER t\nREGISTER a#ephemeral b\nPING\n"))
	f.Add([]byte("  V1IDENTIFY\n\xff\xff\xff\xff"))
	f.Add([]byte("  V2"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := &memoryConn{in: text}
		serve(d.open(c))
		if got := string(mustJSON(t, d.dump())); got != "{}" {
			t.Errorf("left behind: %s", got)
		}
		for rest := c.out; len(rest) > 0; {
			if len(rest) < 4 || int(binary.BigEndian.Uint32(rest)) > len(rest)-4 {
				t.Fatalf("broken answers: %q", c.out)
			}
			rest = rest[4+binary.BigEndian.Uint32(rest):]
		}
	})
}

// FuzzIdentify gives IDENTIFY any body: it is answered by JSON and the producer is
// there, or by an error.
func FuzzIdentify(f *testing.F) {
	d := start(f)
	for _, body := range []string{anybody, "null", "{}", `{"tcp_port":1e3}`, `{"broadcast_address":"\u0000<"}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := &memoryConn{in: protocol.AppendBody([]byte("  V1IDENTIFY\n"), body)}
		serve(d.open(c))
		reply := string(c.out[min(4, len(c.out)):])
		if reply != d.hello() && !strings.HasPrefix(reply, "E_BAD_BODY IDENTIFY ") {
			t.Errorf("%q: answer %q", body, reply)
		}
	})
}
