// Command nsq_tail prints the messages of topics as they are published.
package main

import (
	"log"
	"os"
	"os/signal"
	"syscall"

	"nsqsuite/internal/cli"
	"nsqsuite/internal/tools/tail"
)

func main() { os.Exit(run()) }

func run() int {
	p := cli.Program{Name: "nsq_tail", Does: "nsq_tail prints the messages of topics as they are published.", Stdout: os.Stdout, Stderr: os.Stderr, Tool: true}
	options := tail.NewOptions()
	if exit, done := p.Parse(options, os.Args[1:]); done {
		return exit
	}
	// A reader that has gone is an error to report, not a death.
	signal.Ignore(syscall.SIGPIPE)
	if err := tail.Run(cli.Context(), options, os.Stdout); err != nil {
		log.Print(err)
		return cli.ExitFailure
	}
	return 0
}
