package e2e

import (
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"nsqsuite/internal/certs/certstest"
	"nsqsuite/internal/nsqtest"
)

// counted listens for those who come in clear, and counts them.
func counted(t *testing.T) (port string, came *atomic.Int64) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	came = new(atomic.Int64)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			came.Add(1)
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-ended
	})
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, came
}

// TestNothingInClear has nsqadmin and nsq_stat given https:// addresses, once of a
// nsqlookupd and once of an nsqd, which both want a token: nobody asks the plain
// port that nsqd announces.
func TestNothingInClear(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	ours := certstest.NewAuthority(t)
	_, _, root := ours.WriteFiles(t.TempDir(), "nobody")
	access, token := accessFiles(t)
	plain, came := counted(t)
	l := nsqtest.Start(t, "nsqlookupd", append(credentials(t, ours.WriteFiles, "nsqlookupd", "--tls-"),
		"--tls-required", "--tls-client-auth-policy=verify", "--http-access-file="+access, "--broadcast-address=127.0.0.1")...)
	n := nsqtest.Start(t, "nsqd", append(append(credentials(t, ours.WriteFiles, "nsqd", "--tls-"), credentials(t, ours.WriteFiles, "nsqd", "--lookupd-tls-")...),
		"--lookupd-tls", "--lookupd-tcp-address="+l.TCP, "--http-access-file="+access, "--data-path="+t.TempDir(),
		"--broadcast-address=127.0.0.1", "--broadcast-http-port="+plain, "--http-address="+filepath.Join(t.TempDir(), "http"))...)
	ask := func(method, path string) {
		t.Helper()
		if status := askOverTLS(t, ours, n, method, path, "secret"); status != 200 {
			t.Errorf("%s %s: %d", method, path, status)
		}
	}
	if status := askOverTLS(t, ours, n, "GET", "/stats", ""); status != 401 {
		t.Errorf("without a token: %d", status)
	}
	ask("POST", "/topic/create?topic=t")
	ask("POST", "/channel/create?topic=t&channel=c")
	ask("POST", "/pub?topic=t")
	nsqtest.Eventually(t, patience, "nsqd is registered", func() bool {
		return askOverTLS(t, ours, l, "GET", "/lookup?topic=t", "secret") == 200
	})
	how := []string{"--http-client-tls-root-ca-file=" + root, "--http-client-token-file=" + token}
	for where, name := range map[string]string{
		"--nsqd-http-address=https://" + httpsAddress(t, n):    httpsAddress(t, n),
		"--lookupd-http-address=https://" + httpsAddress(t, l): "127.0.0.1:" + plain,
	} {
		stat := nsqtest.Run(t, "nsq_stat", append(how, where, "--topic=t", "--channel=c", "--interval=10ms", "--count=1")...)
		if code := stat.Wait(); code != 0 || strings.Count(stat.Stdout.String(), "\n") != 3 {
			t.Errorf("nsq_stat %s: exit %d, %s", where, code, stat.Stdout.String())
		}
		admin := nsqtest.Start(t, "nsqadmin", append(how, where)...)
		goRound(t, admin, name)
		if strings.Contains(admin.Log(), "secret") || strings.Contains(admin.Log(), "querying nsqd http://") {
			t.Errorf("nsqadmin %s: its log has the token, or somebody asked in clear", where)
		}
	}
	if got := came.Load(); got != 0 {
		t.Errorf("%d came in clear", got)
	}
}

// TestFoundOverHTTPS has a nsqlookupd, asked in clear, name an nsqd that has HTTPS
// only, and one that refuses everything else: nsqadmin and nsq_stat find their way.
func TestFoundOverHTTPS(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	ours := certstest.NewAuthority(t)
	_, _, root := ours.WriteFiles(t.TempDir(), "nobody")
	for _, flag := range []string{"--http-address=", "--tls-required"} {
		l := nsqtest.Start(t, "nsqlookupd")
		n := nsqtest.Start(t, "nsqd", append(credentials(t, ours.WriteFiles, "nsqd", "--tls-"), flag,
			"--lookupd-tcp-address="+l.TCP, "--broadcast-address=127.0.0.1", "--data-path="+t.TempDir())...)
		name := n.HTTP
		if name == "" {
			name = httpsAddress(t, n)
		}
		for _, path := range []string{"/topic/create?topic=t", "/channel/create?topic=t&channel=c", "/pub?topic=t"} {
			if status := askOverTLS(t, ours, n, "POST", path, ""); status != 200 {
				t.Errorf("%s: %d", path, status)
			}
		}
		nsqtest.Eventually(t, patience, "the channel is registered", func() bool {
			return strings.Contains(nsqtest.Get(t, "http://"+l.HTTP+"/channels?topic=t"), `"c"`)
		})
		how := []string{"--http-client-tls-root-ca-file=" + root, "--lookupd-http-address=" + l.HTTP}
		stat := nsqtest.Run(t, "nsq_stat", append(how, "--topic=t", "--channel=c", "--interval=10ms", "--count=1")...)
		if code := stat.Wait(); code != 0 || strings.Count(stat.Stdout.String(), "\n") != 3 {
			t.Errorf("%s: nsq_stat: exit %d, %s", flag, code, stat.Stdout.String())
		}
		admin := nsqtest.Start(t, "nsqadmin", how...)
		goRound(t, admin, name)
		if answer, status := nsqtest.Do(t, "DELETE", "http://"+admin.HTTP+"/api/nodes/"+name, `{"topic":"t"}`); status != 200 || answer != `{"message":""}` {
			t.Errorf("%s: tombstone: %d %s", flag, status, answer)
		}
		if text := nsqtest.Get(t, "http://"+l.HTTP+"/lookup?topic=t"); !strings.Contains(text, `"producers":[]`) {
			t.Errorf("%s: the topic is still on the node: %s", flag, text)
		}
	}
}

// goRound looks at pages and figures of nsqadmin and acts, on a node of this name.
func goRound(t *testing.T, admin *nsqtest.Daemon, name string) {
	t.Helper()
	base := "http://" + admin.HTTP
	for path, want := range map[string]string{
		"/api/topics/t": `"node":"` + name + `"`, "/api/nodes/" + name: `"depth":1`, "/nodes/" + name: name,
		"/api/counter": `"t:c:` + name + `"`, "/messages?topic=t&channel=c": "hello", "/redrive?topic=t&channel=c": name,
	} {
		nsqtest.Eventually(t, patience, path+" has "+want, func() bool {
			page, _ := nsqtest.Do(t, "GET", base+path, "")
			return strings.Contains(page, want)
		})
	}
	answer, err := http.PostForm(base+"/publish", url.Values{"topic": {"u"}, "body": {"x"}, "node": {name}})
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 200 || !strings.Contains(answer.Request.URL.RawQuery, "done=") {
		t.Errorf("%s publish: %s %s", name, answer.Status, answer.Request.URL)
	}
	for _, action := range []string{"pause", "unpause"} {
		if answer, status := nsqtest.Do(t, "POST", base+"/api/topics/t/c", `{"action":"`+action+`"}`); status != 200 || answer != `{"message":""}` {
			t.Errorf("%s %s: %d %s", name, action, status, answer)
		}
	}
}
