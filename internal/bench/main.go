package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"time"

	"github.com/spf13/pflag"

	"nsqsuite/internal/cli"
)

// section is a table of the report.
type section struct {
	name, about string
	run         func(*bench) error
}

var sections = []section{
	{"connections", "PUB to FIN, 200 B, as many publishers as consumers", connections},
	{"topics", "PUB of 200 B to topics in turn, a channel and a consumer each", manyTopics},
	{"channels", "PUB to FIN, 200 B, a consumer for each channel; costs are per delivery", channels},
	{"bodies", "PUB to FIN, 4 publishers and 4 consumers", bodies},
	{"backlog", "MPUB of 100 x 100 B to a channel without consumers, then all of it to one", backlog},
	{"fsync", "PUB of 200 B, each publisher waits for each OK", fsync},
	{"latency", "PUB at a fixed rate to a waiting consumer, from when it should have been sent", latency},
	{"memory", "what a thing takes", memory},
	{"deferred", "DPUB, and REQ with a delay, for an hour; the process killed and stopped in between", deferred},
	{"lookupd", "nsqlookupd", lookupd},
}

// bench is one run of the program.
type bench struct {
	nsqd, lookupd string // programs
	dir           string
	profiles      string // folder, or empty
	long          bool
	messages      int // deferred
	backlog       int
}

func main() {
	if err := program(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func program() (err error) {
	b := &bench{}
	only, limit := "", 5*time.Minute
	pflag.StringVar(&b.nsqd, "nsqd", "bin/nsqd", "program to measure")
	pflag.StringVar(&b.lookupd, "nsqlookupd", "bin/nsqlookupd", "program to measure")
	pflag.StringVar(&b.dir, "dir", "", "folder for data (default: a temporary one)")
	pflag.StringVar(&only, "only", "", "regular expression: the sections to run")
	pflag.DurationVar(&limit, "time", limit, "begin no section after this")
	pflag.StringVar(&b.profiles, "profiles", "", "folder for a CPU profile of each life of nsqd, which disturbs the figures")
	pflag.BoolVar(&b.long, "long", false, "more of everything, for an hour")
	pflag.IntVar(&b.messages, "deferred", 0, "messages that are deferred (default: 200,000, with --long 5 million)")
	pflag.IntVar(&b.backlog, "backlog", 0, "messages of the largest backlog (default: 3 million, with --long 10 million)")
	pflag.CommandLine.SortFlags = false
	pflag.Parse()
	if b.long && !pflag.CommandLine.Changed("time") {
		limit = time.Hour
	}
	wanted, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp(b.dir, "bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	ctx, started := cli.Context(), time.Now()
	fmt.Printf("%s, %s/%s, %d cores, %s\n", started.UTC().Format(time.DateOnly), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	for _, s := range sections {
		if !wanted.MatchString(s.name) {
			continue
		}
		if ctx.Err() != nil || time.Since(started) > limit {
			fmt.Printf("\n%s: left out, there is no time\n", s.name)
			continue
		}
		fmt.Printf("\n## %s\n\n%s.\n\n", s.name, s.about)
		if e := s.run(b); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", s.name, e))
		}
	}
	return err
}

// size returns the count for this run.
func (b *bench) size(short, long int) int {
	if b.long {
		return long
	}
	return short
}

// row prints a line of a table.
func row(cells ...any) {
	for _, c := range cells {
		fmt.Printf("| %v ", c)
	}
	fmt.Println("|")
}

// head prints the first two lines of a table.
func head(cells ...any) {
	row(cells...)
	for i := range cells {
		cells[i] = "---"
	}
	row(cells...)
}
