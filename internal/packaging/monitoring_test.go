package packaging

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/nsqadmin"
	"nsqsuite/nsqd"
	"nsqsuite/nsqlookupd"
	"nsqsuite/protocol"
)

// daemon is what the three have in common.
type daemon interface {
	Run(context.Context) error
	HTTPAddr() net.Addr
}

// start runs a daemon until the end of the test.
func start[D daemon](t *testing.T, d D, err error) D {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return d
}

// startSuite runs all three, with a message finished and a question asked, and
// returns what their /metrics show.
func startSuite(t *testing.T) string {
	t.Helper()
	const local = "127.0.0.1:0"
	lo := nsqlookupd.NewOptions()
	lo.TCPAddress, lo.HTTPAddress = local, local
	l, err := nsqlookupd.New(lo, logging.Discard())
	start(t, l, err)
	no := nsqd.NewOptions()
	no.TCPAddress, no.HTTPAddress, no.DataPath, no.MetricsLatency = local, local, t.TempDir(), true
	no.LookupdTCPAddresses = []string{l.TCPAddr().String()}
	n, err := nsqd.New(no, logging.Discard())
	start(t, n, err)
	ao := nsqadmin.NewOptions()
	ao.HTTPAddress, ao.LookupdHTTPAddresses = local, []string{l.HTTPAddr().String()}
	a, err := nsqadmin.New(ao, logging.Discard())
	start(t, a, err)

	nsqtest.Do(t, "POST", "http://"+n.HTTPAddr().String()+"/pub?topic=t", "body")
	conn := nsqtest.Dial(t, n.TCPAddr().String())
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(conn, "  V2SUB t c\nRDY 1\n")
	for kind := protocol.FrameResponse; kind != protocol.FrameMessage; {
		var data []byte
		if kind, data, err = protocol.ReadFrame(conn, 1<<20); err != nil {
			t.Fatal(err)
		}
		if m, err := protocol.DecodeMessage(data); kind == protocol.FrameMessage && err == nil {
			fmt.Fprintf(conn, "FIN %s\n", m.ID[:])
		}
	}
	nsqtest.Get(t, "http://"+a.HTTPAddr().String()+"/ping")
	var text string
	nsqtest.Eventually(t, 10*time.Second, "the message is finished and the topic registered", func() bool {
		text = ""
		for _, address := range []net.Addr{l.HTTPAddr(), n.HTTPAddr(), a.HTTPAddr()} {
			text += nsqtest.Get(t, "http://"+address.String()+"/metrics")
		}
		return strings.Contains(text, "nsqd_channel_processing_latency_seconds_count") && strings.Contains(text, `{command="REGISTER"}`)
	})
	return text
}

var (
	metricName = regexp.MustCompile(`\b(?:nsqd|nsqlookupd|nsqadmin|go|process)_[a-z0-9_]+\b`)
	labelName  = regexp.MustCompile(`[{,](\w+)="`)
	byLabels   = regexp.MustCompile(`\b(?:by|on) \(([^)]*)\)`)
	shownLabel = regexp.MustCompile(`{{ ?(?:\$labels\.)?(\w+) ?}}`)
)

// TestDashboardAndAlertsNameWhatThereIs checks every metric and every label that
// the dashboard, the alerts and the pages name against what the daemons show.
func TestDashboardAndAlertsNameWhatThereIs(t *testing.T) {
	text := startSuite(t)
	labels := map[string]bool{"instance": true, "job": true}
	for _, found := range labelName.FindAllStringSubmatch(text, -1) {
		labels[found[1]] = true
	}
	used := map[string]bool{}
	for _, file := range []string{"monitoring/alerts.yml", "monitoring/grafana/nsq.json", "operating.md"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range metricName.FindAllString(string(content), -1) {
			used[name] = true
			if !strings.Contains(text, "\n"+name+"{") && !strings.Contains(text, "\n"+name+" ") && !strings.Contains(text, "\n# TYPE "+name+" ") {
				t.Errorf("%s: there is no %s", file, name)
			}
		}
		for _, found := range byLabels.FindAllStringSubmatch(string(content), -1) {
			for _, label := range strings.Split(found[1], ", ") {
				if !labels[label] {
					t.Errorf("%s: there is no label %s", file, label)
				}
			}
		}
		for _, found := range shownLabel.FindAllStringSubmatch(string(content), -1) {
			if !labels[found[1]] && found[1] != "value" {
				t.Errorf("%s: there is no label %s", file, found[1])
			}
		}
	}
	if len(used) < 30 {
		t.Errorf("only %d metrics are used: is the pattern right?", len(used))
	}
}

var alertName = regexp.MustCompile(`(?m)alert(?:name)?: (\w+)`)

// TestAlertsFire has Prometheus's own tool play alerts_test.yml, which has every alert.
func TestAlertsFire(t *testing.T) {
	named := func(file string) map[string]bool {
		content, err := os.ReadFile("monitoring/" + file)
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, found := range alertName.FindAllStringSubmatch(string(content), -1) {
			names[found[1]] = true
		}
		return names
	}
	if rules, tried := named("alerts.yml"), named("alerts_test.yml"); !reflect.DeepEqual(rules, tried) {
		t.Errorf("there are the alerts %v, tried are %v", rules, tried)
	}
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: alerts are named, but not played")
	}
	cmd := exec.Command(tool, "test", "rules", "alerts_test.yml")
	cmd.Dir = "monitoring"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDashboard reads it as Grafana would: panels do not overlap, and each asks something.
func TestDashboard(t *testing.T) {
	content, err := os.ReadFile("monitoring/grafana/nsq.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Title  string
		Panels []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(content, &dashboard); err != nil {
		t.Fatal(err)
	}
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range dashboard.Panels {
		if p.Title == "" || ids[p.ID] || (p.Type == "row") != (len(p.Targets) == 0) || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d %q of type %q", p.ID, p.Title, p.Type)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other := taken[cell]; other != "" {
					t.Fatalf("%q and %q overlap", p.Title, other)
				}
				taken[cell] = p.Title
			}
		}
	}
	if len(ids) < 20 {
		t.Errorf("%d panels", len(ids))
	}
}

var flagWord = regexp.MustCompile("(?:^|[\\s\"'`(])--([a-z0-9][a-z0-9-]*)")

// TestFilesNameFlagsThatExist looks at everything here that starts our programs or tells of it.
func TestFilesNameFlagsThatExist(t *testing.T) {
	known := map[string]bool{}
	for name := range programs {
		for _, f := range append(flags(name), "config", "version", "generate", "help") {
			known[f] = true
		}
	}
	files := []string{"../../docker-compose.yml", "monitoring/docker-compose.yml"}
	for _, pattern := range []string{"kubernetes/*.yaml", "*.md"} {
		more, err := filepath.Glob(pattern)
		if err != nil || len(more) < 2 {
			t.Fatalf("%s: %v, %v", pattern, more, err)
		}
		files = append(files, more...)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range flagWord.FindAllStringSubmatch(string(content), -1) {
			if !known[found[1]] && !strings.Contains(file, "prometheus") && found[0] != " --config.file" {
				t.Errorf("%s: there is no --%s", file, found[1])
			}
		}
	}
}
