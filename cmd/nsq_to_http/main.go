// Command nsq_to_http sends the messages of a topic to HTTP servers.
package main

import (
	"log"
	"os"

	"nsqsuite/internal/cli"
	"nsqsuite/internal/tools/tohttp"
)

func main() { os.Exit(run()) }

func run() int {
	p := cli.Program{Name: "nsq_to_http", Does: "nsq_to_http sends the messages of a topic to HTTP servers.", Stdout: os.Stdout, Stderr: os.Stderr, Tool: true}
	options := tohttp.NewOptions()
	if exit, done := p.Parse(options, os.Args[1:]); done {
		return exit
	}
	if err := tohttp.Run(cli.Context(), options); err != nil {
		log.Print(err)
		return cli.ExitFailure
	}
	return 0
}
