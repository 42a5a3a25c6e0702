// Command nsqd is the message broker.
package main

import (
	"os"

	"nsqsuite/internal/cli"
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
	first, second := cli.Contexts()
	n, err := nsqd.New(options, options.LogFormat.New(os.Stderr, options.LogPrefix, options.LogLevel))
	if err == nil {
		err = n.RunUntil(first, second)
	}
	if err != nil {
		p.Fatalf("%s", err)
		return cli.ExitFailure
	}
	return 0
}
