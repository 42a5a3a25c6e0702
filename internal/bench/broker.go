package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"nsqsuite/internal/process"
)

// broker is a life of a daemon that is measured.
type broker struct {
	*process.Process
	program string
	dir     string
	args    []string
	profile string // file for a profile of what is measured, or empty
}

// start runs nsqd on a fresh folder.
func (b *bench) start(args ...string) (*broker, error) {
	dir, err := os.MkdirTemp(b.dir, "nsqd")
	if err != nil {
		return nil, err
	}
	d := &broker{program: b.nsqd, dir: dir, args: append([]string{"--data-path=" + dir, "--max-body-size=20971520", "--max-msg-size=10485760"}, args...)}
	if b.profiles != "" {
		d.profile = filepath.Join(b.profiles, filepath.Base(dir))
	}
	return d, d.begin()
}

// begin starts the program, and begins a next life of it after an end.
func (d *broker) begin() (err error) {
	if d.Process, err = process.Start(d.program, d.args...); err != nil {
		return err
	}
	return d.Ready()
}

// end ends the process and removes its data.
func (d *broker) end() {
	if d.Process != nil {
		d.Kill()
	}
	os.RemoveAll(d.dir)
}

// call sends a request and returns the answer, which must have status 200.
func (d *broker) call(method, path string) ([]byte, error) {
	req, err := http.NewRequest(method, "http://"+d.HTTP+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: status %d, %s", method, path, resp.StatusCode, body)
	}
	return body, err
}

// get reads the JSON of an answer.
func (d *broker) get(path string, into any) error {
	text, err := d.call(http.MethodGet, path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// create makes a topic and its channels.
func (d *broker) create(topic string, channels ...string) error {
	_, err := d.call(http.MethodPost, "/topic/create?topic="+topic)
	for _, c := range channels {
		if err == nil {
			_, err = d.call(http.MethodPost, "/channel/create?topic="+topic+"&channel="+c)
		}
	}
	return err
}

// own returns the bytes the process has when it has given back what it can; of
// nsqlookupd, when it has looked for what it needs no more.
func (d *broker) own() (int64, error) {
	method, path := http.MethodPost, "/debug/freememory"
	if d.dir == "" {
		method, path = http.MethodGet, "/debug/pprof/heap?gc=1"
	}
	for range 2 { // the pools let go of what they hold at the second
		if _, err := d.call(method, path); err != nil {
			return 0, err
		}
	}
	m, err := d.Memory()
	return m.Own, err
}

// cpu measures what the process computes while f runs.
func (d *broker) cpu(f func() error) (time.Duration, error) {
	before, err := d.CPU()
	if err != nil {
		return 0, err
	}
	if d.profile != "" {
		var profiling sync.WaitGroup
		defer profiling.Wait()
		profiling.Go(d.takeProfile)
	}
	if err := f(); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, strings.TrimSpace(d.String()))
	}
	after, err := d.CPU()
	return after - before, err
}

// takeProfile writes where the first two seconds of a measurement go; a shorter one spoils it.
func (d *broker) takeProfile() {
	text, err := d.call(http.MethodGet, "/debug/pprof/profile?seconds=2")
	if err == nil {
		err = os.WriteFile(d.profile, text, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: no profile:", err)
	}
}

// perMillion returns seconds per million as text.
func perMillion(cpu time.Duration, n int) string {
	return fmt.Sprintf("%.2f", cpu.Seconds()*1e6/float64(n))
}

// mega returns bytes in MiB as text.
func mega(bytes int64) string { return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20)) }
