package lookup

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/protocol"
)

var (
	self  = protocol.PeerInfo{BroadcastAddress: "b.example", Hostname: "h1", HTTPPort: 4151, TCPPort: 4150, Version: "1.3.0"}
	hello = `IDENTIFY {"broadcast_address":"b.example","hostname":"h1","http_port":4151,"tcp_port":4150,"topology_region":"","topology_zone":"","version":"1.3.0"}`
)

const greeting = `{"broadcast_address":"lk","http_port":4161,"tcp_port":4160,"version":"1.3.0","more":1}`

var (
	errRefusedDial = errors.New("connection refused")
	began          time.Time // when a test did, on its own clock
)

// fake is a nsqlookupd on the other end of a pipe.
type fake struct {
	mu     sync.Mutex
	got    []string      // "seconds since the test began: command"
	refuse bool          // connections
	hole   bool          // connections hang
	mute   bool          // never answers
	slow   time.Duration // before each answer
	reply  string        // to IDENTIFY
	conns  []net.Conn
}

func (f *fake) set(change func(*fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fake) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, fmt.Sprintf("%g: ", time.Since(began).Seconds())+fmt.Sprintf(format, args...))
}

// took returns what has come since the last call.
func (f *fake) took() []string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	got := f.got
	f.got = nil
	return got
}

func (f *fake) connect(ctx context.Context) (net.Conn, error) {
	f.mu.Lock()
	refuse, hole := f.refuse, f.hole
	f.mu.Unlock()
	f.note("dial")
	if hole {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if refuse {
		return nil, errRefusedDial
	}
	ours, theirs := net.Pipe()
	f.set(func(f *fake) { f.conns = append(f.conns, theirs) })
	go f.serve(theirs)
	return ours, nil
}

// cut breaks all connections.
func (f *fake) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.Close()
	}
	f.conns = nil
}

func (f *fake) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	magic := make([]byte, 4)
	if _, err := io.ReadFull(in, magic); err != nil || string(magic) != "  V1" {
		f.note("magic %q, %v", magic, err)
		return
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			f.note("end")
			return
		}
		reply, command := "OK", strings.TrimSuffix(line, "\n")
		if command == "IDENTIFY" {
			var size uint32
			binary.Read(in, binary.BigEndian, &size) //nolint:errcheck // the next read tells
			body := make([]byte, size)
			io.ReadFull(in, body) //nolint:errcheck // what is missing shows
			command += " " + string(body)
			reply = f.reply
		}
		f.note("%s", command)
		f.mu.Lock()
		mute, slow := f.mute, f.slow
		f.mu.Unlock()
		if slow > 0 {
			<-time.After(slow)
		}
		if !mute {
			conn.Write(protocol.AppendReply(nil, reply)) //nolint:errcheck // the next read tells
		}
	}
}

// bench is a client and the fakes it can reach, on a clock of its own.
type bench struct {
	*testing.T
	*Client
	log   nsqtest.Output
	fakes map[string]*fake
	mu    sync.Mutex
	have  []Registration
}

func (b *bench) fake(address string) *fake {
	f := &fake{reply: greeting}
	b.fakes[address] = f
	return f
}

// run runs a test in a bubble, in which time passes only while all wait.
func run(t *testing.T, test func(b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		began = time.Now()
		b := &bench{T: t, fakes: map[string]*fake{}}
		b.Client = New(Config{
			Self: func(string) protocol.PeerInfo { return self },
			Registrations: func() []Registration {
				b.mu.Lock()
				defer b.mu.Unlock()
				return b.have
			},
			Log:      logging.New(&b.log, "", logging.Debug),
			MaxReply: 1000,
			Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
				return b.fakes[address].connect(ctx)
			},
		}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			b.Client.Run(ctx)
			close(ended)
		}()
		synctest.Wait()
		test(b)
		stopped := time.Now()
		cancel()
		<-ended
		if took := time.Since(stopped); took > 0 {
			t.Errorf("stopping took %s", took)
		}
		for _, f := range b.fakes {
			f.cut()
		}
	})
}

// after lets time pass.
func after(d time.Duration) { <-time.After(d) }

func (b *bench) expect(f *fake, want ...string) {
	b.Helper()
	if got := f.took(); !reflect.DeepEqual(got, want) {
		b.Errorf("the nsqlookupd got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (b *bench) logged(lines ...string) {
	b.Helper()
	synctest.Wait()
	for _, line := range lines {
		if !strings.Contains(b.log.String(), line+"\n") {
			b.Errorf("the log lacks %q:\n%s", line, b.log.String())
		}
	}
}

func TestConnectTellPing(t *testing.T) {
	run(t, func(b *bench) {
		b.have = []Registration{{"t", "c"}, {"alone", ""}, {"t", "e#ephemeral"}}
		f := b.fake("lk:1")
		b.SetAddresses([]string{"lk:1", "lk:1"})
		b.expect(f, "0: dial", "0: "+hello, "0: REGISTER t c", "0: REGISTER alone", "0: REGISTER t e#ephemeral")
		if got := b.Connected(); !reflect.DeepEqual(got, []string{"lk:1"}) {
			t.Errorf("connected to %q", got)
		}
		after(5 * time.Second)
		for _, c := range []Change{{Registration{"n", ""}, false}, {Registration{"n", "c"}, false}, {Registration{"n", "c"}, true}, {Registration{"n", ""}, true}} {
			b.Notify(c)
		}
		b.expect(f, "5: REGISTER n", "5: REGISTER n c", "5: UNREGISTER n c", "5: UNREGISTER n")
		after(26 * time.Second)
		b.expect(f, "15: PING", "30: PING")
		b.logged("INFO: LOOKUP(lk:1): adding peer", "INFO: LOOKUP connecting to lk:1",
			"INFO: LOOKUPD(lk:1): peer info {TCPPort:4160 HTTPPort:4161 Version:1.3.0 BroadcastAddress:lk}",
			"INFO: LOOKUPD(lk:1): REGISTER t c", "INFO: LOOKUPD(lk:1): REGISTER alone", "INFO: LOOKUPD(lk:1): topic REGISTER n",
			"INFO: LOOKUPD(lk:1): channel UNREGISTER n c", "DEBUG: LOOKUPD(lk:1): sending heartbeat")
	})
}

// TestReconnect: a connection that ends is noticed at once, and everything is told anew.
func TestReconnect(t *testing.T) {
	run(t, func(b *bench) {
		f := b.fake("lk:1")
		b.SetAddresses([]string{"lk:1"})
		b.Notify(Change{Registration: Registration{"t", ""}})
		f.took()
		b.have = []Registration{{"t", ""}}
		f.set(func(f *fake) { f.refuse = true })
		f.cut()
		after(20 * time.Second)
		b.expect(f, "0: end", "1: dial", "3: dial", "7: dial", "15: dial")
		if len(b.Connected()) > 0 {
			t.Error("it says it is connected")
		}
		b.logged("ERROR: LOOKUPD(lk:1): EOF", "ERROR: LOOKUPD(lk:1): connection refused")
		b.Notify(Change{Registration: Registration{"u", ""}}) // told once, with all else
		b.mu.Lock()
		b.have = []Registration{{"t", ""}, {"u", ""}}
		b.mu.Unlock()
		f.set(func(f *fake) { f.refuse = false })
		after(20 * time.Second)
		b.expect(f, "30: dial", "30: "+hello, "30: REGISTER t", "30: REGISTER u")
		f.cut()
		after(2 * time.Second) // the pause is short again
		b.expect(f, "40: end", "41: dial", "41: "+hello, "41: REGISTER t", "41: REGISTER u")
	})
}

// TestNameMoves: each connection is made by the name, never by an address that
// it had once, so that a nsqlookupd can come back elsewhere.
func TestNameMoves(t *testing.T) {
	run(t, func(b *bench) {
		one, two := b.fake("1:1"), b.fake("2:1")
		now := one // what the name stands for
		b.config.Dial = func(ctx context.Context, _, address string) (net.Conn, error) {
			if address != "nsqlookupd.example:4160" {
				t.Errorf("dialled %s", address)
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			return now.connect(ctx)
		}
		b.SetAddresses([]string{"nsqlookupd.example:4160"})
		b.expect(one, "0: dial", "0: "+hello)
		b.mu.Lock()
		now = two
		b.mu.Unlock()
		one.cut()
		after(1500 * time.Millisecond)
		b.expect(one, "0: end")
		b.expect(two, "1: dial", "1: "+hello)
	})
}

// TestOthersAreNotDelayed: one peer hangs, one never answers, one refuses; the
// good one hears everything when it happens.
func TestOthersAreNotDelayed(t *testing.T) {
	run(t, func(b *bench) {
		good, hole, mute, refuse := b.fake("good:1"), b.fake("hole:1"), b.fake("mute:1"), b.fake("refuse:1")
		hole.hole, mute.mute, refuse.refuse = true, true, true
		b.SetAddresses([]string{"hole:1", "mute:1", "refuse:1", "good:1"})
		b.expect(good, "0: dial", "0: "+hello)
		for i := range 3 {
			after(100 * time.Millisecond)
			b.Notify(Change{Registration: Registration{Topic: fmt.Sprint("t", i)}})
		}
		b.expect(good, "0.1: REGISTER t0", "0.2: REGISTER t1", "0.3: REGISTER t2")
		after(1700 * time.Millisecond)
		b.expect(hole, "0: dial", "2: dial")
		b.expect(mute, "0: dial", "0: "+hello, "1: end", "2: dial", "2: "+hello)
		b.logged("ERROR: LOOKUPD(hole:1): context deadline exceeded", "ERROR: LOOKUPD(mute:1): IDENTIFY - i/o timeout", "ERROR: LOOKUPD(refuse:1): connection refused")
	})
}

func TestSetAddresses(t *testing.T) {
	run(t, func(b *bench) {
		one, two, three := b.fake("1:1"), b.fake("2:1"), b.fake("3:1")
		b.SetAddresses([]string{"1:1", "2:1"})
		b.expect(one, "0: dial", "0: "+hello)
		b.expect(two, "0: dial", "0: "+hello)
		after(time.Second)
		b.SetAddresses([]string{"3:1", "2:1"})
		b.expect(one, "1: end")
		b.expect(two)
		b.expect(three, "1: dial", "1: "+hello)
		b.Notify(Change{Registration: Registration{Topic: "t"}})
		b.expect(one)
		b.expect(two, "1: REGISTER t")
		b.SetAddresses(nil)
		b.expect(two, "1: end")
		b.expect(three, "1: REGISTER t", "1: end")
		b.SetAddresses([]string{"1:1"}) // and back
		b.expect(one, "1: dial", "1: "+hello)
		b.logged("INFO: LOOKUP(1:1): removing peer", "INFO: LOOKUP(3:1): adding peer")
	})
}

// TestSlowAnswers: each answer has its time, not all of a batch together.
func TestSlowAnswers(t *testing.T) {
	run(t, func(b *bench) {
		b.have = []Registration{{"t", ""}, {"u", ""}, {"v", ""}}
		f := b.fake("lk:1")
		f.slow = ioTimeout * 6 / 10
		b.SetAddresses([]string{"lk:1"})
		after(5 * f.slow)
		b.expect(f, "0: dial", "0: "+hello, "0.6: REGISTER t", "1.2: REGISTER u", "1.8: REGISTER v")
		if len(b.Connected()) != 1 {
			t.Error("the connection has not lasted")
		}
	})
}

// TestOddAnswers: what is answered to IDENTIFY decides, and nothing else.
func TestOddAnswers(t *testing.T) {
	for _, c := range []struct {
		reply, line string
		stays       bool
	}{
		{"E_INVALID", "ERROR: LOOKUPD(lk:1): lookupd returned E_INVALID", false},
		{"E_BAD_BODY IDENTIFY missing fields", "ERROR: LOOKUPD(lk:1): parsing response - E_BAD_BODY IDENTIFY missing fields", false},
		{strings.Repeat("x", 1001), "ERROR: LOOKUPD(lk:1): IDENTIFY - " + protocol.ErrFrame.Error() + ": size 1001", false},
		{`{"tcp_port":1}`, "ERROR: LOOKUPD(lk:1): no broadcast address", true},
	} {
		run(t, func(b *bench) {
			f := b.fake("lk:1")
			f.reply = c.reply
			b.SetAddresses([]string{"lk:1"})
			synctest.Wait()
			b.logged(c.line)
			if stays := len(b.Connected()) == 1; stays != c.stays {
				t.Errorf("%.40s: connected: %t", c.reply, stays)
			}
		})
	}
	run(t, func(b *bench) { // an answer that nobody asked for ends the connection
		f := b.fake("lk:1")
		b.SetAddresses([]string{"lk:1"})
		synctest.Wait()
		f.set(func(f *fake) { f.conns[0].Write(protocol.AppendReply(nil, "OK")) }) //nolint:errcheck // it shows
		b.logged("ERROR: LOOKUPD(lk:1): an answer to nothing")
	})
}

// TestManyChanges: more than a peer takes at once is told in batches, and more
// than are kept for it by telling everything anew.
func TestManyChanges(t *testing.T) {
	run(t, func(b *bench) {
		for i := range 3*maxBatch + 1 {
			b.have = append(b.have, Registration{Topic: fmt.Sprint("t", i)})
		}
		f := b.fake("lk:1")
		b.SetAddresses([]string{"lk:1"})
		if got := f.took(); len(got) != 2+len(b.have) || got[len(got)-1] != "0: REGISTER t300" {
			t.Errorf("%d commands, the last is %s", len(got), got[len(got)-1])
		}
		f.set(func(f *fake) { f.mute = true })
		b.Notify(Change{Registration: Registration{Topic: "u"}})
		synctest.Wait() // the loop waits for an answer
		for range maxQueued + 1 {
			b.Notify(Change{Registration: Registration{Topic: "v"}})
		}
		b.mu.Lock()
		b.have = []Registration{{"u", ""}, {"v", ""}}
		b.mu.Unlock()
		after(1500 * time.Millisecond)
		f.set(func(f *fake) { f.mute = false })
		f.took()
		after(time.Second)
		b.expect(f, "2: dial", "2: "+hello, "2: REGISTER u", "2: REGISTER v")
	})
}

// TestLost: a peer that is slow, yet answers, is told everything anew if too much happens.
func TestLost(t *testing.T) {
	p := newPeer("lk:1", &Config{})
	for range maxQueued {
		p.notify(Change{})
	}
	if queue, lost := p.take(); len(queue) != maxQueued || lost {
		t.Errorf("%d changes are kept, lost: %t", len(queue), lost)
	}
	for range maxQueued + 1 {
		p.notify(Change{})
	}
	if queue, lost := p.take(); len(queue) != maxQueued || !lost {
		t.Errorf("%d changes are kept, lost: %t", len(queue), lost)
	}
}
