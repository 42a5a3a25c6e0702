// Command nsq_to_nsq publishes the messages of topics to other nsqd.
package main

import (
	"log"
	"os"

	"nsqsuite/internal/cli"
	"nsqsuite/internal/tools/relay"
)

func main() { os.Exit(run()) }

func run() int {
	p := cli.Program{Name: "nsq_to_nsq", Does: "nsq_to_nsq publishes the messages of topics to other nsqd.", Stdout: os.Stdout, Stderr: os.Stderr, Tool: true}
	options := relay.NewOptions()
	if exit, done := p.Parse(options, os.Args[1:]); done {
		return exit
	}
	if err := relay.Run(cli.Context(), options); err != nil {
		log.Print(err)
		return cli.ExitFailure
	}
	return 0
}
