// Command to_nsq publishes its input to nsqd, a message a line.
package main

import (
	"log"
	"os"

	"nsqsuite/internal/cli"
	"nsqsuite/internal/tools/publish"
)

func main() { os.Exit(run()) }

func run() int {
	p := cli.Program{Name: "to_nsq", Does: "to_nsq publishes its input to nsqd, a message a line.", Stdout: os.Stdout, Stderr: os.Stderr, Tool: true}
	options := publish.NewOptions()
	if exit, done := p.Parse(options, os.Args[1:]); done {
		return exit
	}
	if err := publish.Run(cli.Context(), options, os.Stdin); err != nil {
		log.Print(err)
		return cli.ExitFailure
	}
	return 0
}
