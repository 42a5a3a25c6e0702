package session

import (
	"crypto/tls"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// reply is the default reply to IDENTIFY with some words in it replaced.
func reply(words ...string) string { return strings.NewReplacer(words...).Replace(defaultReply) }

// TestNegotiation goes over what is promised, and what is not (protocol.md 5).
func TestNegotiation(t *testing.T) {
	plain := transcript{over: transports[0]}
	each(t, plain, map[string]string{
		"both compressions": `
			> IDENTIFY [{"feature_negotiation":true,"snappy":true,"deflate":true,"tls_v1":true}]
			< ! E_IDENTIFY_FAILED cannot enable both deflate and snappy compression
			< eof`,
		"deflate levels": `
			> IDENTIFY [{"feature_negotiation":true,"deflate_level":1}]
			< ` + defaultReply + `
			> IDENTIFY [{"feature_negotiation":true,"deflate":true,"deflate_level":3}]
			< ` + reply(`"deflate":false,"deflate_level":6`, `"deflate":true,"deflate_level":3`),
		"deflate level too high": `
			> IDENTIFY [{"feature_negotiation":true,"deflate":true,"deflate_level":9}]
			< ` + reply(`"deflate":false`, `"deflate":true`),
		"deflate level negative": `
			> IDENTIFY [{"feature_negotiation":true,"deflate":true,"deflate_level":-5}]
			< ` + reply(`"deflate":false`, `"deflate":true`),
	}, nil)
	each(t, plain, map[string]string{
		"server without snappy": `
			> IDENTIFY [{"feature_negotiation":true,"snappy":true,"deflate":false,"tls_v1":true}]
			< ` + defaultReply,
		"one of both": `
			> IDENTIFY [{"feature_negotiation":true,"snappy":true,"deflate":true}]
			< ` + reply(`"deflate":false`, `"deflate":true`),
	}, []change{func(c *Config, _ *broker.Config) { c.Snappy, c.TLS = false, nil }})
	each(t, plain, map[string]string{
		"level is capped even without deflate": `
			> IDENTIFY [{"feature_negotiation":true,"deflate":true}]
			< ` + reply(`"deflate_level":6,"max_deflate_level":6`, `"deflate_level":3,"max_deflate_level":3`),
	}, []change{func(c *Config, _ *broker.Config) { c.Deflate, c.MaxDeflateLevel = false, 3 }})
}

// TestIdentifyAgain holds that no layer is added twice, and that answers stay within the layers.
func TestIdentifyAgain(t *testing.T) {
	overAll(t, map[string]string{
		"with buffer sizes": `
			> IDENTIFY [{"output_buffer_size":64}]
			< OK
			> IDENTIFY [{"output_buffer_size":-1,"heartbeat_interval":60000}]
			< OK
			> PUB t [x]
			< OK`,
	})
	for _, over := range transports {
		if over.squeeze == "" {
			continue
		}
		each(t, transcript{over: over}, map[string]string{
			"with every upgrade": `
				> IDENTIFY [{"feature_negotiation":true,"snappy":true,"deflate":true,"tls_v1":true}]
				< ` + defaultReply + `
				> PUB t [x]
				< OK
				> SUB t c
				< OK
				> RDY 1
				< m1 x`,
		}, nil)
	}
}

// TestReadAheadIsDropped sends a command along with the IDENTIFY that changes the layers.
func TestReadAheadIsDropped(t *testing.T) {
	l := newLive(t)
	defer l.close()
	conn := l.connect("tcp")
	identify := protocol.AppendBody([]byte("IDENTIFY\n"), []byte(`{"feature_negotiation":true,"snappy":true}`))
	io.WriteString(conn, protocol.MagicV2+string(identify)+"BOGUS\n") //nolint:errcheck // the answer tells
	if _, data, err := protocol.ReadFrame(conn, 1000); err != nil || data[0] != '{' {
		t.Fatalf("%q, %v", data, err)
	}
	first := make([]byte, 28)
	if _, err := io.ReadFull(conn, first); err != nil || !strings.HasPrefix(string(first), "\xff\x06\x00\x00sNaPpY\x01\x0e\x00\x00") || !strings.HasSuffix(string(first), "\x00\x00\x00\x06\x00\x00\x00\x00OK") {
		t.Errorf("%q, %v", first, err)
	}
	io.WriteString(conn, "\xff\x06\x00\x00sNaPpY") //nolint:errcheck // likewise
	conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := conn.Read(first); err == nil || err == io.EOF {
		t.Errorf("%q, %v: the command was carried out", first[:n], err)
	}
}

var askTLS = `> IDENTIFY [{"feature_negotiation":true,"tls_v1":true}]
	< ` + reply(`"tls_v1":false`, `"tls_v1":true`) + `
	`

func TestHandshakeFails(t *testing.T) {
	each(t, transcript{over: transports[0]}, map[string]string{
		"garbage": askTLS + `
			> this is no handshake
			< ! E_IDENTIFY_FAILED IDENTIFY failed tls: first record does not look like a TLS handshake
			< eof`,
	}, nil)
	inBubble(t, transcript{}, map[string]string{
		"too slow": askTLS + `
			= 4999ms
			< nothing
			= 1ms
			< ! E_IDENTIFY_FAILED IDENTIFY failed read pipe: i/o timeout
			< eof`,
	})
}

// TestTLSRequired holds that nothing but IDENTIFY goes before TLS.
func TestTLSRequired(t *testing.T) {
	required := func(c *Config, _ *broker.Config) { c.TLSRequired = true }
	scripts := map[string]string{}
	for _, command := range []string{"PUB t", "NOP", "", "BOGUS x", "SUB t c", "AUTH"} {
		word, _, _ := strings.Cut(command, " ")
		scripts["refuses "+word] = ">. " + command + "\\n\n< ! E_INVALID cannot " + word + " in current state (TLS required)\n< eof"
	}
	scripts["even after IDENTIFY"] = `
		> IDENTIFY [{"feature_negotiation":true}]
		< ` + defaultReply + `
		> NOP
		< ! E_INVALID cannot NOP in current state (TLS required)
		< eof`
	each(t, transcript{over: transports[0]}, scripts, []change{required})
	for _, over := range transports {
		if over.tls {
			each(t, transcript{over: over}, map[string]string{"with TLS": "> PUB t [x]\n< OK"}, []change{required})
		}
	}
}

// TestTimeInLayers holds that heartbeats, deadlines and delays go through every layer as through none.
func TestTimeInLayers(t *testing.T) {
	for _, over := range transports[2:] {
		t.Run(over.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLive(t)
				defer l.close()
				over.network = "pipe"
				(&transcript{t: t, live: l, over: over, bubble: true}).run(`
					> IDENTIFY [{"heartbeat_interval":1000,"output_buffer_timeout":30000,"output_buffer_size":65536}]
					< OK
					= 1ms
					> SUB t c
					< OK
					> RDY 100
					b> PUB t [x]
					b< OK
					< m1 x
					= 999ms
					< _heartbeat_
					= 1s
					< _heartbeat_
					< nothing
					= 1ms
					< eof
					= 28s
					b< _heartbeat_`)
			})
		})
	}
}

// TestStatsOfLayers holds what /stats shows of a client's layers.
func TestStatsOfLayers(t *testing.T) {
	for _, over := range transports {
		t.Run(over.name, func(t *testing.T) {
			l := newLive(t)
			defer l.close()
			(&transcript{t: t, live: l, over: over}).run("> PUB t [x]\n< OK")
			c := l.sessions.Clients()[0]
			if c.TLS != over.tls || c.Snappy != (over.squeeze == "snappy") || c.Deflate != (over.squeeze == "deflate") {
				t.Errorf("%+v", c.ClientStats)
			}
			if over.tls && (c.TLSVersion != "TLS1.3" || !strings.HasPrefix(c.TLSCipherSuite, "TLS_")) || !over.tls && c.TLSVersion+c.TLSCipherSuite != "" {
				t.Errorf("%q %q", c.TLSVersion, c.TLSCipherSuite)
			}
		})
	}
}

// TestClientCertificates goes over the policies: none, one of our authority, one of another.
func TestClientCertificates(t *testing.T) {
	ours := authority.Certificate("client")
	for _, c := range []struct {
		name string
		auth tls.ClientAuthType
		show []tls.Certificate
		fail bool
	}{
		{"none asked for", tls.NoClientCert, nil, false},
		{"required and missing", tls.RequireAnyClientCert, nil, true},
		{"required and shown", tls.RequireAnyClientCert, []tls.Certificate{ours}, false},
		{"verified", tls.RequireAndVerifyClientCert, []tls.Certificate{ours}, false},
		{"verified and missing", tls.RequireAndVerifyClientCert, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLive(t, func(config *Config, _ *broker.Config) {
				config.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: c.auth, ClientCAs: authority.Pool()}
			})
			defer l.close()
			conn := l.connect("tcp")
			io.WriteString(conn, protocol.MagicV2+string(protocol.AppendBody([]byte("IDENTIFY\n"), []byte(`{"feature_negotiation":true,"tls_v1":true}`)))) //nolint:errcheck // the answer tells
			if _, _, err := protocol.ReadFrame(conn, 1000); err != nil {
				t.Fatal(err)
			}
			secure := tls.Client(conn, &tls.Config{RootCAs: authority.Pool(), ServerName: "127.0.0.1", Certificates: c.show})
			_, data, err := protocol.ReadFrame(secure, 100)
			if (err != nil) != c.fail || err == nil && string(data) != protocol.OK {
				t.Errorf("%q, %v", data, err)
			}
		})
	}
}
