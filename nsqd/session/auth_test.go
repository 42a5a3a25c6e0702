package session

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nsqsuite/internal/httpclient"
	"nsqsuite/nsqd/auth"
	"nsqsuite/nsqd/broker"
)

func TestAuthIsOff(t *testing.T) {
	overAll(t, map[string]string{
		"parameters": `
			>. AUTH \n[secret]
			< ! E_INVALID AUTH invalid number of parameters
			< eof`,
		"too big": `
			> AUTH [=5001]
			< ! E_BAD_BODY AUTH body too big 5001 > 5000
			< eof`,
		"empty": `
			> AUTH []
			< ! E_BAD_BODY AUTH invalid body size 0
			< eof`,
		"disabled": `
			> AUTH [secret]
			< ! E_AUTH_DISABLED AUTH disabled
			< eof`,
	})
}

// authServer answers by the secret, and counts how often it is asked.
func authServer(t *testing.T) (change, *atomic.Int32) {
	t.Helper()
	answers := map[string]string{
		"all":   `{"ttl":3600,"identity":"a<b","identity_url":"https://id","authorizations":[{"topic":".*","channels":[".*"],"permissions":["subscribe","publish"]}]}`,
		"sub":   `{"ttl":3600,"authorizations":[{"topic":"^t$","channels":["^c$"],"permissions":["subscribe"]},{"topic":"^u$","channels":[".*"],"permissions":["publish"]}]}`,
		"none":  `{"ttl":3600,"authorizations":[]}`,
		"short": `{"ttl":1,"authorizations":[{"topic":".*","channels":[".*"],"permissions":["publish"]}]}`,
	}
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		secret := r.URL.Query().Get("secret")
		if secret == "once" && n == 1 {
			secret = "short"
		}
		answer, ok := answers[secret]
		if !ok {
			w.WriteHeader(http.StatusForbidden)
		}
		io.WriteString(w, answer) //nolint:errcheck // the session tells
	}))
	t.Cleanup(s.Close)
	return func(c *Config, _ *broker.Config) {
		c.Auth = auth.New(auth.Config{Addresses: []string{s.URL}, HTTP: httpclient.Config{ConnectTimeout: patience, RequestTimeout: patience}})
	}, &asked
}

// TestAuth goes over the rows of protocol.md 6.
func TestAuth(t *testing.T) {
	server, _ := authServer(t)
	overAll(t, map[string]string{
		"everything": `
			> AUTH [all]
			< {"identity":"a\u003cb","identity_url":"https://id","permission_count":1}
			> PUB t [x]
			< OK
			> MPUB t [=9][=1][y]
			< OK
			> DPUB t 0 [z]
			< OK
			> IDENTIFY [{}]
			< OK
			> SUB t c
			< OK
			> RDY 9
			< m1 x
			< m1 y
			< m1 z`,
		"twice": `
			> AUTH [all]
			< {"identity":"a\u003cb","identity_url":"https://id","permission_count":1}
			> AUTH [all]
			< ! E_INVALID AUTH already set
			< eof`,
		"refused": `
			> AUTH [wrong]
			< ! E_AUTH_FAILED AUTH failed
			< eof`,
		"nothing granted": `
			> AUTH [none]
			< ! E_UNAUTHORIZED AUTH no authorizations found
			< eof`,
		"after SUB": `
			> AUTH [all]
			< {"identity":"a\u003cb","identity_url":"https://id","permission_count":1}
			> SUB t c
			< OK
			> AUTH [all]
			< ! E_INVALID cannot AUTH in current state
			< eof`,
		"first: PUB": `
			> PUB t [x]
			< ! E_AUTH_FIRST AUTH required before PUB
			< eof`,
		"first: PUB after its body": `
			> PUB t []
			< ! E_BAD_MESSAGE PUB invalid message body size 0
			< eof`,
		"first: DPUB": `
			> DPUB t 1 [x]
			< ! E_AUTH_FIRST AUTH required before DPUB
			< eof`,
		"first: MPUB before its body": `
			> MPUB t
			< ! E_AUTH_FIRST AUTH required before MPUB
			< eof`,
		"first: SUB": `
			> SUB t c
			< ! E_AUTH_FIRST AUTH required before SUB
			< eof`,
		"another channel": `
			> AUTH [sub]
			< {"identity":"","identity_url":"","permission_count":2}
			> PUB u [x]
			< OK
			> SUB t d
			< ! E_UNAUTHORIZED AUTH failed for SUB on "t" "d"
			< eof`,
		"publish where only SUB is allowed": `
			> AUTH [sub]
			< {"identity":"","identity_url":"","permission_count":2}
			>. PUB u\n[x]PUB t\n[x]
			< OK
			< ! E_UNAUTHORIZED AUTH failed for PUB on "t" ""
			< eof`,
		"MPUB and DPUB likewise": `
			> AUTH [sub]
			< {"identity":"","identity_url":"","permission_count":2}
			> MPUB t
			< ! E_UNAUTHORIZED AUTH failed for MPUB on "t" ""
			< eof
			b> AUTH [sub]
			b< {"identity":"","identity_url":"","permission_count":2}
			b> DPUB t 0 [x]
			b< ! E_UNAUTHORIZED AUTH failed for DPUB on "t" ""
			b< eof`,
	}, server)
	each(t, transcript{over: transports[0]}, map[string]string{
		"told by IDENTIFY": `
			> IDENTIFY [{"feature_negotiation":true}]
			< ` + reply(`"auth_required":false`, `"auth_required":true`),
	}, []change{server})
}

// TestAuthExpires publishes until what was granted has expired: the server is
// asked once more, and refuses or not.
func TestAuthExpires(t *testing.T) {
	for secret, want := range map[string]string{"short": "OK", "once": "! E_AUTH_FAILED AUTH failed"} {
		t.Run(secret, func(t *testing.T) {
			t.Parallel()
			server, asked := authServer(t)
			l := newLive(t, server)
			defer l.close()
			c := l.client(transports[0], false)
			c.write([]byte("AUTH\n\x00\x00\x00" + string(rune(len(secret))) + secret))
			got := (<-c.frames).text()
			if !strings.HasPrefix(got, "{") {
				t.Fatal(got)
			}
			for tick := time.NewTicker(5 * time.Millisecond); asked.Load() < 2; <-tick.C {
				c.write([]byte("PUB t\n\x00\x00\x00\x01x"))
				got = (<-c.frames).text()
			}
			if got != want {
				t.Errorf("after the expiry: %q, want %q", got, want)
			}
		})
	}
}

// TestAuthQuestion holds what the server is asked, over each transport.
func TestAuthQuestion(t *testing.T) {
	for _, over := range transports {
		t.Run(over.name, func(t *testing.T) {
			asked := make(chan string, 1)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked <- r.URL.RawQuery
				io.WriteString(w, `{"ttl":1}`) //nolint:errcheck // the question counts
			}))
			defer s.Close()
			l := newLive(t, func(c *Config, _ *broker.Config) {
				c.Auth = auth.New(auth.Config{Addresses: []string{s.URL}, HTTP: httpclient.Config{ConnectTimeout: patience, RequestTimeout: patience}})
			})
			defer l.close()
			(&transcript{t: t, live: l, over: over}).run("> AUTH [a b]\n< ! E_UNAUTHORIZED AUTH no authorizations found\n< eof")
			ip := ""
			if over.network == "tcp" {
				ip = "127.0.0.1"
			}
			if got, want := <-asked, fmt.Sprintf("common_name=&remote_ip=%s&secret=a+b&tls=%t", ip, over.tls); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// TestCloseEndsQuestions has an authorisation server that never answers: the end of nsqd does not wait for it.
func TestCloseEndsQuestions(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-release
	}))
	defer s.Close()
	defer close(release)
	l := newLive(t, func(c *Config, _ *broker.Config) {
		c.Auth = auth.New(auth.Config{Addresses: []string{s.URL}, HTTP: httpclient.Config{ConnectTimeout: time.Hour, RequestTimeout: time.Hour}})
	})
	defer l.close()
	c := l.client(transports[0], false)
	c.write([]byte("AUTH\n\x00\x00\x00\x01s"))
	<-asked
	l.sessions.Close()
	if got, want := (<-c.frames).text(), "! E_AUTH_FAILED AUTH failed"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAuthInStats(t *testing.T) {
	server, _ := authServer(t)
	l := newLive(t, server)
	defer l.close()
	s := &transcript{t: t, live: l, over: transports[0]}
	s.run("> NOP\n> AUTH [all]\n< {\"identity\":\"a\\u003cb\",\"identity_url\":\"https://id\",\"permission_count\":1}")
	if c := l.sessions.Clients()[0]; !c.Authed || c.AuthIdentity != "a<b" || c.AuthIdentityURL != "https://id" {
		t.Errorf("%+v", c.ClientStats)
	}
}
