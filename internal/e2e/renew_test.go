package e2e

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nsqsuite/internal/certs/certstest"
	"nsqsuite/internal/nsqtest"
)

// TestRenewedCertificates has all programs demand certificates of each other, and
// then both those and their authority change on the disk. When the daemons have
// been started anew, and no connection is left, everybody gets on with everybody.
func TestRenewedCertificates(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	dir := t.TempDir()
	write := func(a *certstest.Authority, name string) { a.WriteFiles(dir, name) }
	first, second := certstest.NewAuthority(t), certstest.NewAuthority(t)
	write(first, "first")
	files := func(prefix string) []string {
		return []string{prefix + "cert=" + dir + "/cert.pem", prefix + "key=" + dir + "/key.pem", prefix + "root-ca-file=" + dir + "/root.pem"}
	}
	server := append(files("--tls-"), "--tls-client-auth-policy=require-verify", "--broadcast-address=127.0.0.1")
	l := nsqtest.Start(t, "nsqlookupd", server...)
	n := nsqtest.Start(t, "nsqd", append(append(server, files("--lookupd-tls-")...), "--lookupd-tls", "--lookupd-tcp-address="+l.TCP, "--data-path="+t.TempDir())...)
	lookupd := "--lookupd-http-address=" + l.HTTP // which says where HTTPS is, each time
	admin := nsqtest.Start(t, "nsqadmin", append(files("--http-client-tls-"), lookupd)...)
	out := t.TempDir()
	consume := []string{lookupd, "--consumer-opt=tls_v1", "--consumer-opt=tls_insecure_skip_verify", "--consumer-opt=lookupd_poll_interval,50ms",
		"--consumer-opt=tls_cert," + dir + "/cert.pem", "--consumer-opt=tls_key," + dir + "/key.pem"}
	file := nsqtest.Run(t, "nsq_to_file", append(append(consume, files("--lookupd-tls-")...), "--topic-pattern=.", "--topic-refresh=100ms", "--output-dir="+out, "--sync-interval=10ms")...)

	// all has nsqadmin create a topic, and nsq_to_file find and write it.
	all := func(topic string) {
		t.Helper()
		nsqtest.Eventually(t, patience, "nsqadmin publishes to "+topic, func() bool { // as soon as it knows where HTTPS is now
			answer, err := http.PostForm("http://"+admin.HTTP+"/publish", url.Values{"topic": {topic}, "body": {"hello"}, "node": {n.HTTP}})
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			return answer.StatusCode == http.StatusOK
		})
		nsqtest.Eventually(t, patience, "nsq_to_file writes "+topic, func() bool {
			names, _ := filepath.Glob(out + "/" + topic + ".*")
			if len(names) == 0 {
				return false
			}
			text, _ := os.ReadFile(names[0])
			return string(text) == "hello\n"
		})
	}
	all("a")
	write(second, "second")
	for _, d := range []*nsqtest.Daemon{l, n} {
		d.Stop()
		d.Restart()
	}
	all("b")
	for _, log := range []string{admin.Log(), file.Stderr.String()} {
		if strings.Count(log, "TLS: reloaded") == 0 {
			t.Errorf("nothing was read anew:\n%s", log)
		}
	}
}
