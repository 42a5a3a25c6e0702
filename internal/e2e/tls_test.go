package e2e

import (
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nsqsuite/internal/certs/certstest"
	"nsqsuite/internal/nsqtest"
)

// credentials writes a certificate signed by a, and returns the flags that name
// the files, each behind this prefix.
func credentials(t *testing.T, write func(dir, name string) (cert, key, root string), name, prefix string) []string {
	cert, key, root := write(t.TempDir(), name)
	return []string{prefix + "cert=" + cert, prefix + "key=" + key, prefix + "root-ca-file=" + root}
}

var overHTTPS = regexp.MustCompile(`HTTPS: listening on (\S+)`)

// httpsAddress waits until a daemon listens for HTTPS.
func httpsAddress(t *testing.T, d *nsqtest.Daemon) string {
	t.Helper()
	var found []string
	nsqtest.Eventually(t, patience, "it listens for HTTPS", func() bool {
		found = overHTTPS.FindStringSubmatch(d.Log())
		return found != nil
	})
	return found[1]
}

// TestLookupdOverTLS has nsqd that do and do not fit connect to nsqlookupd with
// and without TLS: either end's log says what is wrong.
func TestLookupdOverTLS(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	ours, others := certstest.NewAuthority(t), certstest.NewAuthority(t)
	server := credentials(t, ours.WriteFiles, "nsqlookupd", "--tls-")
	strict := append([]string{"--tls-client-auth-policy=require-verify"}, server...)
	const prefix = "--lookupd-tls-"
	good := append(credentials(t, ours.WriteFiles, "nsqd", prefix), "--lookupd-tls")
	root := good[2:]
	for _, c := range []struct {
		name        string
		lookupd     []string
		nsqd        []string
		says, hears string // the logs of nsqd and nsqlookupd
	}{
		{"fits", strict, good, "peer info", "IDENTIFY Address:"},
		{"no certificate is asked for", append(server, "--tls-required"), root, "peer info", "IDENTIFY Address:"},
		{"in clear is allowed", server, nil, "peer info", "IDENTIFY Address:"},
		{"in clear", strict, nil, "E_INVALID TLS is required", "does not speak TLS, which is required"},
		{"TLS to a plain port", nil, root, "it does not answer in TLS, has it a --tls-cert?", "wants TLS, but there is no --tls-cert"},
		{"another authority", server, append(credentials(t, others.WriteFiles, "nsqd", prefix), "--lookupd-tls"),
			"certificate signed by unknown authority", "TLS - remote error: tls: bad certificate"},
		{"no certificate", strict, root, "tls: certificate required", "TLS - tls: client didn't provide a certificate"},
		{"a foreign certificate", strict, append(credentials(t, others.WriteFiles, "nsqd", prefix)[:2], root...),
			"remote error: tls: ", "TLS - tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{"an expired certificate", strict, append(credentials(t, ours.WriteExpired, "nsqd", prefix), "--lookupd-tls"),
			"remote error: tls: ", "certificate has expired"},
		{"an expired nsqlookupd", credentials(t, ours.WriteExpired, "nsqlookupd", "--tls-"), root,
			"certificate has expired", "TLS - remote error: tls: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := nsqtest.Start(t, "nsqlookupd", c.lookupd...)
			n := nsqtest.Start(t, "nsqd", append([]string{"--data-path=" + t.TempDir(), "--lookupd-tcp-address=" + l.TCP}, c.nsqd...)...)
			nsqtest.Eventually(t, patience, c.says+", and "+c.hears, func() bool {
				return strings.Contains(n.Log(), c.says) && strings.Contains(l.Log(), c.hears)
			})
			if strings.Contains(n.Log(), "peer info") != (c.says == "peer info") {
				t.Error("it is connected all the same, or not")
			}
		})
	}
}

// accessFiles writes who may use the HTTP APIs, a certificate of the name nsqd and
// the token "secret", and a file with the latter.
func accessFiles(t *testing.T) (access, token string) {
	dir := t.TempDir()
	access, token = filepath.Join(dir, "access.toml"), filepath.Join(dir, "token")
	for path, text := range map[string]string{
		access: "[[client]]\nname='nsqd'\ncertificate='nsqd'\nmay=['read']\n[[client]]\nname='tools'\ntoken_sha256='" +
			"2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b'\nmay=['read','publish','admin']\n",
		token: "secret\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return access, token
}

// askOverTLS sends a request to a daemon's HTTPS port, with a token if it is not
// empty, and returns the status.
func askOverTLS(t *testing.T, ours *certstest.Authority, d *nsqtest.Daemon, method, path, token string) int {
	t.Helper()
	r, err := http.NewRequest(method, "https://"+httpsAddress(t, d)+path, strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ours.Pool()}, DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body) //nolint:errcheck // the status tells
	return answer.StatusCode
}

// TestLookupdDemandsTLS goes round a nsqlookupd that takes nothing in clear and
// knows its clients by certificate or token: nsqd learns channels from it, and the
// tools and nsqadmin find nsqd by it.
func TestLookupdDemandsTLS(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	ours := certstest.NewAuthority(t)
	_, _, root := ours.WriteFiles(t.TempDir(), "nobody")
	access, token := accessFiles(t)
	l := nsqtest.Start(t, "nsqlookupd", append(credentials(t, ours.WriteFiles, "nsqlookupd", "--tls-"),
		"--tls-required", "--tls-client-auth-policy=verify", "--http-access-file="+access, "--broadcast-address=127.0.0.1")...)
	if _, status := nsqtest.Do(t, "GET", "http://"+l.HTTP+"/topics", ""); status != 403 {
		t.Errorf("in clear: %d", status)
	}
	if got := askOverTLS(t, ours, l, "GET", "/topics", ""); got != 401 {
		t.Errorf("without a token: %d", got)
	}
	if got := askOverTLS(t, ours, l, "POST", "/channel/create?topic=t&channel=c", "secret"); got != 200 {
		t.Errorf("with a token: %d", got)
	}
	n := nsqtest.Start(t, "nsqd", append(credentials(t, ours.WriteFiles, "nsqd", "--lookupd-tls-"), "--lookupd-tls",
		"--lookupd-tcp-address="+l.TCP, "--broadcast-address=127.0.0.1", "--data-path="+t.TempDir(), "--ready-needs-lookupd")...)
	nsqtest.Eventually(t, patience, "nsqd is connected", func() bool {
		_, status := nsqtest.Do(t, "GET", "http://"+n.HTTP+"/readyz", "")
		return status == 200
	})
	create(t, n, "t")
	if channel(t, n, "t", "c") == nil {
		t.Error("nsqd did not learn of the channel")
	}
	admin := nsqtest.Start(t, "nsqadmin", "--lookupd-http-address="+l.HTTP, "--http-client-tls-root-ca-file="+root, "--http-client-token-file="+token)
	if text := nsqtest.Get(t, "http://"+admin.HTTP+"/api/topics/t"); !strings.Contains(text, n.HTTP) {
		t.Errorf("nsqadmin says %s", text)
	}
	post(t, n, "/pub?topic=t", "hello")
	where := []string{"--lookupd-http-address=" + l.HTTP, "--topic=t", "--channel=c"}
	consume := append(where, "--lookupd-http-token-file="+token, "--lookupd-tls-root-ca-file="+root)
	stat := nsqtest.Run(t, "nsq_stat", append(where, "--interval=10ms", "--count=1", "--http-client-token-file="+token, "--http-client-tls-root-ca-file="+root)...)
	if code := stat.Wait(); code != 0 || strings.Count(stat.Stdout.String(), "\n") != 3 {
		t.Errorf("nsq_stat: exit %d, %s", code, stat.Stdout.String())
	}
	tail := nsqtest.Run(t, "nsq_tail", append(consume, "-n=1")...)
	if code := tail.Wait(); code != 0 || tail.Stdout.String() != "hello\n" {
		t.Errorf("nsq_tail: exit %d, %q", code, tail.Stdout.String())
	}
	// By its own name in the library, and with HTTPS asked for.
	secret := []string{"--topic=t", "--channel=c", "-n=1", "--lookupd-http-address=https://" + httpsAddress(t, l),
		"--consumer-opt=auth_secret_file," + token, "--lookupd-tls-root-ca-file=" + root}
	post(t, n, "/pub?topic=t", "again")
	tail = nsqtest.Run(t, "nsq_tail", secret...)
	if code := tail.Wait(); code != 0 || tail.Stdout.String() != "again\n" {
		t.Errorf("nsq_tail: exit %d, %q", code, tail.Stdout.String())
	}
	out := t.TempDir()
	nsqtest.Run(t, "nsq_to_file", "--lookupd-http-address=https://"+httpsAddress(t, l), "--topic-pattern=.", "--output-dir="+out, "--sync-interval=10ms",
		"--lookupd-http-token-file="+token, "--lookupd-tls-root-ca-file="+root)
	nsqtest.Eventually(t, patience, "nsq_to_file has found the topic", func() bool {
		files, _ := filepath.Glob(out + "/t.*.log")
		return len(files) == 1
	})
	for _, d := range []*nsqtest.Daemon{l, n, admin} {
		if strings.Contains(d.Log(), "secret") {
			t.Error("a log has the token")
		}
	}
}
