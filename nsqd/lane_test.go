package nsqd

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/certs"
	"nsqsuite/internal/certs/certstest"
	"nsqsuite/internal/nsqtest"
)

const publication = "POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"

// TestPublishIsCheap: net/http allocates some 30 times for each request.
func TestPublishIsCheap(t *testing.T) {
	d := startNSQD(t, testOptions(t))
	conn := nsqtest.Dial(t, d.HTTPAddr().String())
	conn.SetDeadline(time.Now().Add(patience))
	answer := make([]byte, 1000)
	request := []byte(publication)
	ask := func() {
		if _, err := conn.Write(request); err != nil {
			t.Fatal(err)
		}
		if n, err := io.ReadAtLeast(conn, answer, len("HTTP/1.1 200 OK\r\n")); err != nil || !strings.HasSuffix(string(answer[:n]), "\r\n\r\nOK") {
			t.Fatalf("%q, %v", answer[:n], err)
		}
	}
	const runs, most = 500, 10
	if n := testing.AllocsPerRun(runs, ask); n > most {
		t.Errorf("a publish over HTTP allocates %v times", n)
	}
	topic, _ := d.broker.FindTopic("t")
	if n := topic.Stats().Messages; n != runs+1 {
		t.Errorf("%d messages, want %d", n, runs+1)
	}
	if got := nsqtest.Get(t, d.url("/metrics")); !strings.Contains(got, `nsqd_http_requests_total{code="200",method="POST",route="/pub"} 501`) {
		t.Errorf("%d requests are not counted:\n%s", runs+1, got)
	}
}

// TestLaneIsGuarded: who may not publish does not on a connection that publishes, and
// nobody in clear if TLS is demanded.
func TestLaneIsGuarded(t *testing.T) {
	o := testOptions(t)
	o.HTTPAccessFile = filepath.Join(t.TempDir(), "access.toml")
	const rules = "[[client]]\ntoken_sha256 = \"0017dea7770f7ecff7ab3c20506546129e96bdeba2f544bb8e5414eb79786122\"\nmay = [\"publish\"]"
	if err := os.WriteFile(o.HTTPAccessFile, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	d := startNSQD(t, o)
	token := strings.Replace(publication, "Host: x", "Host: x\r\nAuthorization: Bearer pub", 1)
	if got := talk(t, d, token, publication, token, strings.Replace(token, "Bearer pub", "Bearer pup", 1)); got != "200 401 200 401" {
		t.Errorf("with and without a token: %s", got)
	}
	o = testOptions(t)
	o.HTTPSAddress, o.TLSRequired = "127.0.0.1:0", certs.Everywhere
	o.TLSCert, o.TLSKey, _ = certstest.NewAuthority(t).WriteFiles(t.TempDir(), "nsqd")
	if got := talk(t, startNSQD(t, o), publication, publication); got != "403 403" {
		t.Errorf("where TLS is demanded: %s", got)
	}
}

// talk sends requests over one connection, each after the answer to the one before,
// and returns the statuses.
func talk(t *testing.T, d *daemon, requests ...string) string {
	t.Helper()
	conn := nsqtest.Dial(t, d.HTTPAddr().String())
	conn.SetDeadline(time.Now().Add(patience))
	in := bufio.NewReader(conn)
	var statuses []string
	for _, request := range requests {
		io.WriteString(conn, request) //nolint:errcheck // the answer will tell
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body) //nolint:errcheck // likewise the next one
		statuses = append(statuses, strconv.Itoa(answer.StatusCode))
	}
	return strings.Join(statuses, " ")
}
