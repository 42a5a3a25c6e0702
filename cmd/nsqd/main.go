// Command nsqd is the message broker.
package main

import (
	"os"

	"nsqsuite/internal/cli"
	"nsqsuite/internal/logging"
	"nsqsuite/nsqd"
)

func main() { os.Exit(run()) }

func run() int {
	p := cli.Program{Name: "nsqd", Does: "nsqd queues messages in topics and channels and delivers them.", Stdout: os.Stdout, Stderr: os.Stderr}
	options := nsqd.NewOptions()
	if exit, done := p.Parse(options, os.Args[1:]); done {
		return exit
	}
	p.Format = options.LogFormat
	if err := serve(options, options.LogFormat.New(os.Stderr, options.LogPrefix, options.LogLevel)); err != nil {
		p.Fatalf("%s", err)
		return cli.ExitFailure
	}
	return 0
}

func serve(options *nsqd.Options, log *logging.Logger) error {
	if options.Offline() {
		return nsqd.Examine(options, log, os.Stdout)
	}
	first, second := cli.Contexts() // not before: who only looks can be stopped at any time
	n, err := nsqd.New(options, log)
	if err != nil {
		return err
	}
	return n.RunUntil(first, second)
}
