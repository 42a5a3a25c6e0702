// Command nsqlookupd is the registry of nsqd nodes.
package main

import (
	"os"

	"nsqsuite/internal/cli"
	"nsqsuite/internal/socket"
	"nsqsuite/nsqlookupd"
)

func main() { os.Exit(run()) }

func run() int {
	p := cli.Program{Name: "nsqlookupd", Does: "nsqlookupd knows which nsqd serves which topic.", Stdout: os.Stdout, Stderr: os.Stderr}
	options := nsqlookupd.NewOptions()
	if exit, done := p.Parse(options, os.Args[1:]); done {
		return exit
	}
	p.Format = options.LogFormat
	ctx := cli.Context()
	l, err := nsqlookupd.New(options, options.LogFormat.New(socket.NewOutput(os.Stderr), options.LogPrefix, options.LogLevel))
	if err == nil {
		err = l.Run(ctx)
	}
	if err != nil {
		p.Fatalf("%s", err)
		return cli.ExitFailure
	}
	return 0
}
