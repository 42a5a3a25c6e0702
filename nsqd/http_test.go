package nsqd

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/certs"
	"nsqsuite/internal/certs/certstest"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/internal/version"
)

func TestInfo(t *testing.T) {
	o := testOptions(t)
	o.TopologyZone, o.TopologyRegion, o.BroadcastHTTPPort = "z", "r", 99
	d := startNSQD(t, o)
	host, _ := os.Hostname()
	want := fmt.Sprintf(`{"version":"%s","broadcast_address":"b.example","hostname":"%s","http_port":%d,"tcp_port":%d,"start_time":%d,`+
		`"max_heartbeat_interval":60000000000,"max_output_buffer_size":65536,"max_output_buffer_timeout":30000000000,"max_deflate_level":6,"topology_zone":"z","topology_region":"r","features":["peek","redrive","limits"],"disk":{"free_bytes":0,"total_bytes":0}}`,
		version.Number, host, d.HTTPAddr().(*net.TCPAddr).Port, d.TCPAddr().(*net.TCPAddr).Port, d.started.Unix())
	got := regexp.MustCompile(`_bytes":[1-9][0-9]*`).ReplaceAllString(nsqtest.Get(t, d.url("/info")), `_bytes":0`)
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestConfigOptions is nsqd-http-and-config.md 1.7 on a whole daemon.
func TestConfigOptions(t *testing.T) {
	o := testOptions(t)
	o.StatsdPrefix, o.MaxMsgSize = "nsq.%s", 200
	d := startNSQD(t, o)
	http, tcp := d.HTTPAddr().(*net.TCPAddr).Port, d.TCPAddr().(*net.TCPAddr).Port
	for _, c := range []struct {
		request, body string
		status        int
		want          string
	}{
		{"GET id", "", 200, fmt.Sprint(o.NodeID)},
		{"GET log_level", "", 200, "2"},
		{"GET log_prefix", "", 200, "[nsqd] "},
		{"GET msg_timeout", "", 200, "60000000000"},
		{"GET nsqlookupd_tcp_addresses", "", 200, "[]"},
		{"GET e2e_processing_latency_percentiles", "", 200, "[]"},
		{"GET statsd_mem_stats", "", 200, "true"},
		{"GET statsd_address", "", 200, ""},
		{"GET statsd_prefix", "", 200, fmt.Sprintf("nsq.b_example_%d.", http)},
		{"GET broadcast_http_port", "", 200, fmt.Sprint(http)},
		{"GET broadcast_tcp_port", "", 200, fmt.Sprint(tcp)},
		{"GET node_id", "", 400, "INVALID_OPTION"},
		{"GET lookupd_tcp_address", "", 400, "INVALID_OPTION"},
		{"GET version", "", 400, "INVALID_OPTION"},
		{"GET worker_id", "", 400, "INVALID_OPTION"},
		{"PUT log_level", "WaRn", 200, "3"},
		{"GET log_level", "", 200, "3"},
		{"PUT log_level", "warning", 400, "INVALID_VALUE"},
		{"PUT log_level", "info\n", 400, "INVALID_VALUE"},
		{"PUT log_level", `"info"`, 400, "INVALID_VALUE"},
		{"PUT log_level", "2", 400, "INVALID_VALUE"},
		{"PUT log_level", "info", 200, "2"},
		{"PUT nsqlookupd_tcp_addresses", `["127.0.0.1:1","127.0.0.1:1"]`, 200, `["127.0.0.1:1","127.0.0.1:1"]`},
		{"GET nsqlookupd_tcp_addresses", "", 200, `["127.0.0.1:1","127.0.0.1:1"]`},
		{"PUT nsqlookupd_tcp_addresses", "null", 200, "null"},
		{"PUT nsqlookupd_tcp_addresses", "[]", 200, "[]"},
		{"PUT nsqlookupd_tcp_addresses", `"a"`, 400, "INVALID_VALUE"},
		{"PUT nsqlookupd_tcp_addresses", `[1]`, 400, "INVALID_VALUE"},
		{"PUT nsqlookupd_tcp_addresses", `[`, 400, "INVALID_VALUE"},
		{"PUT nsqlookupd_tcp_addresses", strings.Repeat(" ", 201), 413, "INVALID_VALUE"},
		{"PUT msg_timeout", "1s", 400, "INVALID_OPTION"},
		{"PUT none", "x", 400, "INVALID_OPTION"},
		{"PUT none", "", 413, "INVALID_VALUE"},
	} {
		method, option, _ := strings.Cut(c.request, " ")
		want := c.want
		if c.status != 200 {
			want = `{"message":"` + want + `"}`
		}
		if got, status := nsqtest.Do(t, method, d.url("/config/"+option), c.body); status != c.status || got != want {
			t.Errorf("%s with %.20q: %d %s, want %d %s", c.request, c.body, status, got, c.status, want)
		}
	}
	for _, line := range []string{"LOOKUP(127.0.0.1:1): adding peer", "LOOKUP(127.0.0.1:1): removing peer"} {
		if !strings.Contains(d.log.String(), line) {
			t.Errorf("the log lacks %q", line)
		}
	}
}

func TestHTTPOnUnixSocket(t *testing.T) {
	o := testOptions(t)
	o.HTTPAddress = filepath.Join(t.TempDir(), "http.sock")
	left, err := net.Listen("unix", o.HTTPAddress) // of a crash
	if err != nil {
		t.Fatal(err)
	}
	left.(*net.UnixListener).SetUnlinkOnClose(false)
	left.Close()
	d := startNSQD(t, o)
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", o.HTTPAddress)
		},
	}}
	answer, err := client.Get("http://nsqd/info")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	if !strings.Contains(string(body), `"http_port":-1,`) {
		t.Errorf("/info: %s", body)
	}
	nsqtest.Eventually(t, patience, "the access log names nobody", func() bool { return strings.Contains(d.log.String(), "200 GET /info (@) ") })
	if o.BroadcastHTTPPort != 0 {
		t.Errorf("broadcast HTTP port: %d", o.BroadcastHTTPPort)
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(o.HTTPAddress); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}

func TestWithoutHTTP(t *testing.T) {
	o := testOptions(t)
	o.HTTPAddress = ""
	d := startNSQD(t, o)
	if d.HTTPAddr() != nil || o.BroadcastHTTPPort != 0 {
		t.Errorf("it listens on %v, broadcasts %d", d.HTTPAddr(), o.BroadcastHTTPPort)
	}
	if info, err := d.info(); err != nil || info.HTTPPort != 0 {
		t.Errorf("info: %+v, %v", info, err)
	}
}

// TestHTTPS: the same routes over TLS; in clear, if that is demanded, one answer only.
func TestHTTPS(t *testing.T) {
	cert, key, _ := certstest.NewAuthority(t).WriteFiles(t.TempDir(), "nsqd")
	for _, required := range []certs.Required{certs.Optional, certs.ExceptHTTP, certs.Everywhere} {
		only := required == certs.Everywhere
		o := testOptions(t)
		o.HTTPSAddress, o.TLSCert, o.TLSKey, o.TLSRequired = "127.0.0.1:0", cert, key, required
		d := startNSQD(t, o)
		port := d.httpsListener.Addr().(*net.TCPAddr).Port
		refusal := fmt.Sprintf(`{"message": "TLS_REQUIRED", "https_port": %d}`, port)
		client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		answer, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/ping", port))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		client.CloseIdleConnections()
		if string(body) != "OK" || answer.ProtoMajor != 1 {
			t.Errorf("over TLS: %s %s", answer.Proto, body)
		}
		conn := nsqtest.Dial(t, d.httpsListener.Addr().String())
		io.WriteString(conn, "GET /ping HTTP/1.0\r\n\r\n")
		plain, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(plain.Body)
		if plain.StatusCode != 400 || strings.TrimSpace(string(text)) != "Client sent an HTTP request to an HTTPS server." {
			t.Errorf("in clear to the HTTPS port: %d %s", plain.StatusCode, text)
		}
		for _, path := range []string{"/ping", "/none", "/debug/pprof/", "/pub?topic=t"} {
			answer, err := http.Get(d.url(path))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			h := answer.Header
			if refused := answer.StatusCode == 403 && string(body) == refusal && h.Get("X-NSQ-Content-Type") == "nsq; version=1.0" &&
				h.Get("Content-Type") == "application/json; charset=utf-8"; refused != only {
				t.Errorf("%s in clear: %d %s", path, answer.StatusCode, body)
			}
		}
		if logged := strings.Contains(d.log.String(), "GET /none"); logged == only {
			t.Errorf("refusals are in the access log: %t", logged)
		}
		if err := d.stop(); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"HTTPS: listening on 127.0.0.1:", "HTTPS: closing 127.0.0.1:", "WARNING: http: TLS handshake error from 127.0.0.1:"} {
			if !strings.Contains(d.log.String(), line) {
				t.Errorf("the log lacks %q", line)
			}
		}
	}
	o := testOptions(t)
	o.HTTPSAddress, o.TLSCert, o.TLSKey, o.TLSRequired = "", cert, key, certs.Everywhere
	d := startNSQD(t, o)
	if body, status := nsqtest.Do(t, "GET", d.url("/ping"), ""); status != 403 || body != `{"message": "TLS_REQUIRED", "https_port": 0}` {
		t.Errorf("without an HTTPS port: %d %s", status, body)
	}
}

// TestLife checks the log of a life (nsqd-http-and-config.md 7.3).
func TestLife(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.EnableExperiment = []string{"topology-aware-consumption", "perpetuum-mobile"}
	statsd, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer statsd.Close()
	o.StatsdAddress, o.StatsdInterval, o.StatsdPrefix, o.StatsdMemStats = statsd.LocalAddr().String(), time.Second+1, "p", false
	o.E2EProcessingLatencyPercentiles = []float64{0.95}
	d := startNSQD(t, o)
	nsqtest.Do(t, "POST", d.url("/topic/create?topic=t"), "")
	nsqtest.Do(t, "POST", d.url("/channel/create?topic=t&channel=c"), "")
	if got := nsqtest.Get(t, d.url("/stats?format=json")); !strings.Contains(got, `"e2e_processing_latency":{"count":0,"percentiles":[{"quantile":0.95,"value":0}]}`) {
		t.Errorf("/stats: %s", got)
	}
	packet := make([]byte, 1000)
	statsd.SetReadDeadline(time.Now().Add(patience))
	n, _, err := statsd.ReadFrom(packet)
	if want := "p.topic.t.message_count:0|c\n"; err != nil || !strings.HasPrefix(string(packet[:n]), want) || !strings.Contains(string(packet[:n]), "p.topic.t.e2e_processing_latency_95:0|g\n") {
		t.Errorf("pushed: %q, %v", packet[:n], err)
	}
	nsqtest.Do(t, "POST", d.url("/channel/delete?topic=t&channel=c"), "")
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, line := range strings.Split(`INFO: nsqd v1\..* \(built w/go.*\)
INFO: ID: \d+
WARNING: there is no experiment "perpetuum-mobile", --enable-experiment=perpetuum-mobile has no effect
INFO: NSQ: persisting topic/channel metadata to .*/nsqd.dat
INFO: TOPIC\(t\): created
INFO: 200 POST /topic/create\?topic=t \(127.0.0.1:\d+\) .*s
INFO: TOPIC\(t\): new channel\(c\)
INFO: STATSD: pushing stats to 127.0.0.1:\d+
INFO: TOPIC\(t\): deleting channel c
INFO: CHANNEL\(c\): deleting
INFO: NSQ: persisting topic/channel metadata to .*/nsqd.dat
INFO: NSQ: closing topics
INFO: TOPIC\(t\): closing
INFO: NSQ: stopping subsystems
INFO: NSQ: bye`, "\n") {
		log := d.log.String()[at:]
		if found := regexp.MustCompile(`(?m)^\S+ \S+ ` + line + `$`).FindStringIndex(log); found != nil {
			at += found[1]
		} else {
			t.Errorf("the rest of the log lacks %q:\n%s", line, log)
		}
	}
	for _, line := range []string{"TCP: listening on 127", "TCP: closing 127", "HTTP: listening on 127", "HTTP: closing 127", "LOOKUP: closing", "STATSD: closing"} {
		if !strings.Contains(d.log.String(), "INFO: "+line) {
			t.Errorf("the log lacks %q", line)
		}
	}
	if strings.Contains(d.log.String(), "topology-aware-consumption") {
		t.Error("a known experiment is warned of")
	}
}

// TestHTTPSPortIsTold has nsqlookupd told the HTTPS port where that can be one of this node's.
func TestHTTPSPortIsTold(t *testing.T) {
	cert, key, _ := certstest.NewAuthority(t).WriteFiles(t.TempDir(), "nsqd")
	for _, c := range []struct {
		http             string
		broadcast, https int
		told             bool
	}{
		{"127.0.0.1:0", 0, 0, true}, {"127.0.0.1:0", 1, 0, false}, {"", 1, 0, true}, {filepath.Join(t.TempDir(), "http"), 1, 0, true},
		{"", 0, 0, true}, {"127.0.0.1:0", 1, 7, true}, {"127.0.0.1:0", 0, 7, true},
	} {
		o := testOptions(t)
		o.HTTPAddress, o.BroadcastHTTPPort, o.BroadcastHTTPSPort = c.http, c.broadcast, c.https
		o.HTTPSAddress, o.TLSCert, o.TLSKey = "127.0.0.1:0", cert, key
		o.BroadcastAddressesAt = []string{"out=a/1/2", "in=a", "secure=a/1/0/3"}
		d := startNSQD(t, o)
		want := 0
		if c.told {
			want = cmp.Or(c.https, d.httpsListener.Addr().(*net.TCPAddr).Port)
		}
		for lookupd, want := range map[string]int{"any": want, "in": want, "out": 0, "secure": 3} {
			if got := d.self(lookupd).HTTPSPort; got != want {
				t.Errorf("%+v: %s is told %d, want %d", c, lookupd, got, want)
			}
		}
	}
}
