// Command nsq_to_file writes the messages of topics to files.
package main

import (
	"log"
	"os"
	"os/signal"
	"syscall"

	"nsqsuite/internal/cli"
	"nsqsuite/internal/tools/archive"
)

func main() { os.Exit(run()) }

func run() int {
	p := cli.Program{Name: "nsq_to_file", Does: "nsq_to_file writes the messages of topics to files, a message a line.", Stdout: os.Stdout, Stderr: os.Stderr, Tool: true}
	options := archive.NewOptions()
	if exit, done := p.Parse(options, os.Args[1:]); done {
		return exit
	}
	if err := options.Check(p.Args); err != nil {
		log.Print(err)
		return cli.ExitFailure
	}
	reopen := make(chan os.Signal, 1)
	signal.Notify(reopen, syscall.SIGHUP)
	logger := options.Logger()
	if err := archive.Run(cli.Context(), options, reopen, logger); err != nil {
		logger.Fatalf("%s", err)
		return cli.ExitFailure
	}
	return 0
}
