package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"nsqsuite/internal/cli"
)

func main() {
	ok, err := program()
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// program runs what the arguments ask for. It leaves the data where it is if
// anything was wrong with it.
func program() (ok bool, err error) {
	c := config{Progress: progress(time.Second)}
	history, power := "", false
	pflag.StringVar(&c.Program, "nsqd", "bin/nsqd", "program to test")
	pflag.StringVar(&c.Dir, "dir", "", "folder for its data, empty at first (default: a temporary one)")
	pflag.StringVar(&c.Durability, "durability", "write", "memory, write or fsync")
	pflag.BoolVar(&power, "power", false, "cut the power of an ext4 file system instead of only killing (root can)")
	pflag.IntVar(&c.Cycles, "cycles", 200, "lives that are ended")
	pflag.DurationVar(&c.Time, "time", 0, "begin no cycle after this; 0: do all")
	pflag.Uint64Var(&c.Seed, "seed", uint64(time.Now().UnixNano()), "of all choices (default: a new one)")
	pflag.DurationVar(&c.Life, "life", time.Second, "longest usual life")
	pflag.IntVar(&c.Messages, "messages", 400, "messages published in a life, at most about")
	pflag.DurationVar(&c.Sync, "sync-timeout", 100*time.Millisecond, "checkpoint interval of nsqd")
	pflag.DurationVar(&c.Grace, "grace", 2*time.Second, "how late a checkpoint may be on a busy machine")
	pflag.DurationVar(&c.MsgTimeout, "msg-timeout", 400*time.Millisecond, "time-out of messages in flight")
	pflag.StringVar(&history, "history", "", "file for every event, as JSON lines")
	pflag.CommandLine.SortFlags = false
	pflag.Parse()
	if c.Life <= 0 || c.Cycles < 0 {
		return false, fmt.Errorf("--life and --cycles must be more than 0")
	}
	if history != "" {
		f, err := os.Create(history)
		if err != nil {
			return false, err
		}
		defer f.Close()
		c.History = f
	}
	if c.Dir == "" {
		if c.Dir, err = os.MkdirTemp("", "crash"); err != nil {
			return false, err
		}
		defer func(temporary string) {
			if ok {
				os.RemoveAll(temporary)
			}
		}(c.Dir)
	}
	if power {
		if c.Disk, err = newDisk(c.Dir); err != nil {
			return false, err
		}
		defer c.Disk.remove() //nolint:errcheck // the report is out, and a mounted disk does no harm
		c.Dir = c.Disk.dir
	}
	started := time.Now()
	r, err := run(cli.Context(), c)
	if err != nil {
		return false, fmt.Errorf("seed %d, data in %s: %w", c.Seed, c.Dir, err)
	}
	fmt.Printf("crash: --durability=%s --seed=%d --cycles=%d, window %s, took %s\n", c.Durability, c.Seed, c.Cycles, c.Sync+c.Grace, time.Since(started).Round(time.Second))
	r.print(os.Stdout)
	if !r.ok() {
		fmt.Printf("FAILED: data in %s\n", c.Dir)
		return false, nil
	}
	fmt.Println("every promise kept")
	return true, nil
}

// progress returns what tells, now and then, how far it has come.
func progress(every time.Duration) func(int, *recorder) {
	var last time.Time
	return func(cycle int, r *recorder) {
		if time.Since(last) < every {
			return
		}
		last = time.Now()
		published, wrong := r.figures()
		fmt.Fprintf(os.Stderr, "cycle %d: %d messages, %d faults\n", cycle, published, wrong)
	}
}
