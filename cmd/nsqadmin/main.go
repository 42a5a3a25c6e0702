// Command nsqadmin shows a cluster of nsqd in the browser and over a JSON API.
package main

import (
	"os"

	"nsqsuite/internal/cli"
	"nsqsuite/nsqadmin"
)

func main() { os.Exit(run()) }

func run() int {
	p := cli.Program{Name: "nsqadmin", Does: "nsqadmin shows a cluster of nsqd in the browser and over a JSON API.", Stdout: os.Stdout, Stderr: os.Stderr}
	options := nsqadmin.NewOptions()
	if exit, done := p.Parse(options, os.Args[1:]); done {
		return exit
	}
	p.Format = options.LogFormat
	ctx := cli.Context()
	a, err := nsqadmin.New(options, options.LogFormat.New(os.Stderr, options.LogPrefix, options.LogLevel))
	if err == nil {
		err = a.Run(ctx)
	}
	if err != nil {
		p.Fatalf("%s", err)
		return cli.ExitFailure
	}
	return 0
}
