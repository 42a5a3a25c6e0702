package archive

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"nsqsuite/internal/cluster"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/tools/client"
)

// Options are the flags of nsq_to_file (tools.md 6.1).
type Options struct {
	Topics         []string       `flag:"topic" group:"Messages" usage:"topic to write"`
	Pattern        string         `flag:"topic-pattern" group:"Messages" usage:"regular expression; without --topic all topics that match are written, otherwise those given that match"`
	Refresh        time.Duration  `flag:"topic-refresh" group:"Messages" usage:"how often nsqlookupd is asked for new topics"`
	Channel        string         `flag:"channel" group:"Messages" usage:"channel to receive on"`
	OutputDir      string         `flag:"output-dir" group:"Files" usage:"folder for finished files"`
	WorkDir        string         `flag:"work-dir" group:"Files" usage:"folder for files that are written to, on the same file system; the output folder by default"`
	FilenameFormat string         `flag:"filename-format" group:"Files" usage:"name of a file, with <TOPIC>, <HOST>, <REV>, <DATETIME>, <PID>; it may have folders"`
	DatetimeFormat string         `flag:"datetime-format" group:"Files" usage:"what <DATETIME> stands for, in strftime's codes; a change of it begins a new file"`
	HostIdentifier string         `flag:"host-identifier" group:"Files" usage:"what <HOST> stands for, with <SHORT_HOST> or <HOSTNAME>; the short host name by default"`
	Gzip           bool           `flag:"gzip" group:"Files" usage:"compress files"`
	GzipLevel      int            `flag:"gzip-level" group:"Files" usage:"from 1, the fastest, to 9, the smallest"`
	RotateSize     int64          `flag:"rotate-size" group:"Files" usage:"begin a new file when one has more bytes, before compression; 0 never"`
	RotateInterval time.Duration  `flag:"rotate-interval" group:"Files" usage:"begin a new file when one has been open for longer; 0 never"`
	SyncInterval   time.Duration  `flag:"sync-interval" group:"Files" usage:"how long a message may wait to be on the disk and finished; less than nsqd's message timeout"`
	SkipEmpty      bool           `flag:"skip-empty-files" group:"Files" usage:"make a file only when there is a message for it"`
	Nsqds          []string       `flag:"nsqd-tcp-address" group:"Connections" usage:"nsqd to receive from, host:port"`
	Lookupds       []string       `flag:"lookupd-http-address" group:"Connections" usage:"nsqlookupd that knows the nsqd to receive from, host:port or https://host:port"`
	InFlight       int            `flag:"max-in-flight" group:"Connections" usage:"how many messages of a topic may be unfinished at a time; the disk is synced at least that often"`
	ConnectTimeout time.Duration  `flag:"http-client-connect-timeout" group:"Connections" usage:"how long connecting to nsqlookupd may take"`
	RequestTimeout time.Duration  `flag:"http-client-request-timeout" group:"Connections" usage:"how long a request to nsqlookupd may take"`
	Consumer       client.Options `flag:"consumer-opt" group:"Connections" usage:"setting of the client library; max_attempts is 0 here, as no message may be dropped"`
	LogLevel       string         `flag:"log-level" group:"Log" usage:"debug, info, warn, error or fatal"`
	LogPrefix      string         `flag:"log-prefix" group:"Log" usage:"what each line of the log begins with"`

	client.Access
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	o := &Options{
		Refresh: time.Minute, Channel: "nsq_to_file", OutputDir: "/tmp", FilenameFormat: "<TOPIC>.<HOST><REV>.<DATETIME>.log",
		DatetimeFormat: "%Y-%m-%d_%H", GzipLevel: 6, SyncInterval: 30 * time.Second, InFlight: 200,
		ConnectTimeout: 2 * time.Second, RequestTimeout: 5 * time.Second, LogLevel: "info", LogPrefix: "[nsq_to_file] ",
	}
	if err := o.Consumer.Set("max_attempts,0"); err != nil {
		panic(err) // the library knows this setting
	}
	return o
}

// Logger returns the log that the options describe, which must be valid.
func (o *Options) Logger() *logging.Logger {
	level, _ := logging.ParseLevel(o.LogLevel)
	return logging.New(os.Stderr, o.LogPrefix, level)
}

// Check says what is wrong with the options, and with the arguments behind them.
func (o *Options) Check(args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unknown arguments: %v", args)
	}
	if _, err := logging.ParseLevel(o.LogLevel); err != nil {
		return errors.New("--log-level is invalid")
	}
	switch {
	case o.Channel == "":
		return errors.New("--channel is required")
	case o.ConnectTimeout <= 0:
		return errors.New("--http-client-connect-timeout should be positive")
	case o.RequestTimeout <= 0:
		return errors.New("--http-client-request-timeout should be positive")
	}
	switch err := o.sources().Check(); {
	case errors.Is(err, client.ErrNoSource):
		//lint:ignore ST1005 scripts know it with a full stop
		return fmt.Errorf("%w.", err)
	case err != nil:
		return err
	}
	switch {
	case o.GzipLevel < 1 || o.GzipLevel > 9:
		return fmt.Errorf("invalid --gzip-level value (%d), should be 1-9", o.GzipLevel)
	case len(o.Topics) == 0 && o.Pattern == "":
		return errors.New("--topic or --topic-pattern required")
	case len(o.Topics) == 0 && len(o.Lookupds) == 0:
		return errors.New("--lookupd-http-address must be specified when no --topic specified")
	case o.SyncInterval <= 0:
		return errors.New("--sync-interval should be positive")
	case o.Refresh <= 0:
		return errors.New("--topic-refresh should be positive")
	case o.InFlight <= 0:
		return errors.New("--max-in-flight should be positive")
	case o.RotateSize < 0 || o.RotateInterval < 0:
		return errors.New("--rotate-size and --rotate-interval should not be negative")
	case o.revises() && !strings.Contains(o.FilenameFormat, "<REV>"):
		return errors.New("missing <REV> in --filename-format when gzip, rotation, or work dir enabled")
	}
	if _, err := regexp.Compile(o.Pattern); err != nil {
		return fmt.Errorf("invalid --topic-pattern: %w", err)
	}
	if len(o.Topics) == 0 { // the topics are asked for there
		if err := cluster.CheckAddresses("--lookupd-http-address", o.Lookupds); err != nil {
			return err
		}
	}
	_, err := o.Consumer.Config("nsq_to_file")
	return err
}

func (o *Options) sources() client.Sources {
	return client.Sources{Nsqds: o.Nsqds, Lookupds: o.Lookupds, Access: o.Access}
}

// moves tells whether files are written in one folder and kept in another.
func (o *Options) moves() bool {
	return o.WorkDir != "" && filepath.Clean(o.WorkDir) != filepath.Clean(o.OutputDir)
}

// workDir returns where files are written.
func (o *Options) workDir() string {
	if o.moves() {
		return o.WorkDir
	}
	return o.OutputDir
}

// exclusive tells whether a file that exists is never written to.
func (o *Options) exclusive() bool { return o.Gzip || o.RotateInterval > 0 }

// revises tells whether a name may be needed for more than one file.
func (o *Options) revises() bool { return o.exclusive() || o.RotateSize > 0 || o.moves() }
