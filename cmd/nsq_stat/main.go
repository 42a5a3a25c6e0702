// Command nsq_stat prints the figures of a channel at intervals.
package main

import (
	"log"
	"os"
	"syscall"

	"nsqsuite/internal/cli"
	"nsqsuite/internal/tools/stat"
)

func main() { os.Exit(run()) }

func run() int {
	p := cli.Program{Name: "nsq_stat", Does: "nsq_stat prints the figures of a channel at intervals.", Stdout: os.Stdout, Stderr: os.Stderr, Tool: true}
	options := stat.NewOptions()
	if exit, done := p.Parse(options, os.Args[1:]); done {
		return exit
	}
	if err := stat.Run(cli.Context(syscall.SIGHUP), options, os.Stdout); err != nil {
		log.Print(err)
		return cli.ExitFailure
	}
	return 0
}
