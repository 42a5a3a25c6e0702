// Command runsuite starts the programs that make built, on their usual ports,
// says what to do with them, and stops them in order. It is `make run`.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"nsqsuite/internal/cli"
)

const (
	dataDir   = "run-data"
	readyWait = 10 * time.Second
	stopWait  = 20 * time.Second
	pollEvery = 50 * time.Millisecond
)

// daemon is one program of the suite.
type daemon struct {
	name  string
	args  []string
	ports []string
	http  string // address of its HTTP API

	cmd  *exec.Cmd
	done chan error
}

func main() {
	if err := run(cli.Context()); err != nil {
		fmt.Fprintln(os.Stderr, "make run:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	suite := []*daemon{
		{name: "nsqlookupd", ports: []string{"4160", "4161"}, http: "127.0.0.1:4161", args: []string{"--broadcast-address=127.0.0.1"}},
		{name: "nsqd", ports: []string{"4150", "4151"}, http: "127.0.0.1:4151", args: []string{"--broadcast-address=127.0.0.1",
			"--lookupd-tcp-address=127.0.0.1:4160", "--data-path=" + filepath.Join(dataDir, "nsqd")}},
		{name: "nsqadmin", ports: []string{"4171"}, http: "127.0.0.1:4171", args: []string{"--lookupd-http-address=127.0.0.1:4161"}},
	}
	if err := os.MkdirAll(filepath.Join(dataDir, "nsqd"), 0o755); err != nil {
		return err
	}
	for _, d := range suite {
		for _, port := range d.ports {
			l, err := net.Listen("tcp", "0.0.0.0:"+port)
			if err != nil {
				return fmt.Errorf("port %s, which %s needs, is in use: stop what listens there", port, d.name)
			}
			l.Close()
		}
	}
	ended := make(chan *daemon, len(suite))
	var started []*daemon
	defer func() {
		stop(started)
		fmt.Println("stopped.")
	}()
	for _, d := range suite {
		if err := d.start(ended); err != nil {
			return err
		}
		started = append(started, d)
		if err := d.ready(ctx); err != nil {
			return err
		}
	}
	greet()
	select {
	case <-ctx.Done():
		fmt.Println("\nstopping …")
		return nil
	case d := <-ended:
		return fmt.Errorf("%s has ended; its log is %s", d.name, d.logPath())
	}
}

func (d *daemon) logPath() string { return filepath.Join(dataDir, d.name+".log") }

// start runs the program, in a process group of its own so that Ctrl-C reaches only us.
func (d *daemon) start(ended chan<- *daemon) error {
	log, err := os.Create(d.logPath())
	if err != nil {
		return err
	}
	d.cmd = exec.Command(filepath.Join("bin", d.name), d.args...)
	d.cmd.Stdout, d.cmd.Stderr = log, log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := d.cmd.Start(); err != nil {
		log.Close()
		return err
	}
	d.done = make(chan error, 1)
	go func() {
		err := d.cmd.Wait()
		log.Close()
		d.done <- err
		ended <- d
	}()
	return nil
}

// ready waits until the program answers.
func (d *daemon) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		resp, err := http.Get("http://" + d.http + "/ping")
		if err == nil {
			resp.Body.Close()
			return nil
		}
		select {
		case <-poll.C:
		case err := <-d.done:
			d.done <- err
			log, _ := os.ReadFile(d.logPath())
			return fmt.Errorf("%s has ended: %v\n%s", d.name, err, log)
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer at %s; its log is %s", d.name, d.http, d.logPath())
		}
	}
}

func greet() {
	fmt.Printf(`The suite is running:

  nsqlookupd  tcp 127.0.0.1:4160   http://127.0.0.1:4161
  nsqd        tcp 127.0.0.1:4150   http://127.0.0.1:4151   data in %s
  nsqadmin                         http://127.0.0.1:4171

Publish a message, and see it:

  curl -d 'hello' 'http://127.0.0.1:4151/pub?topic=test'
  curl 'http://127.0.0.1:4151/stats'
  open http://127.0.0.1:4171/topics/test in a browser

Logs are in %s/*.log. Ctrl-C stops everything.
`, filepath.Join(dataDir, "nsqd"), dataDir)
}

// stop ends the programs, last started first, and waits for each.
func stop(started []*daemon) {
	for i := len(started) - 1; i >= 0; i-- {
		d := started[i]
		if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			fmt.Fprintf(os.Stderr, "stopping %s: %v\n", d.name, err)
		}
		select {
		case <-d.done:
		case <-time.After(stopWait):
			fmt.Fprintf(os.Stderr, "%s does not stop: killing it\n", d.name)
			d.cmd.Process.Kill() //nolint:errcheck // it has ended then
		}
	}
}
