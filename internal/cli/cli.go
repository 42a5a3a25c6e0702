package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/BurntSushi/toml"
	"github.com/spf13/pflag"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/version"
)

// Exit codes of a program that does not get to work.
const (
	ExitFailure = 1 // the configuration cannot be used
	ExitUsage   = 2 // the command line is not understood
)

// Program is a program's command line.
type Program struct {
	Name string // as in nsqd
	Does string // one sentence for --help
	// Stdout and Stderr are where --version and all else go.
	Stdout, Stderr io.Writer
	// Format is how Fatalf's line looks.
	Format logging.Format
	// Tool is for a program all of whose settings are on the command line: it has no --config.
	Tool bool
	// Args is, after Parse, what follows the flags.
	Args []string
}

// Parse fills opts, a pointer to an options struct that holds the defaults, from
// args and the file that --config names. done tells that the program shall end
// with the exit code: all that is to be said has been.
func (p *Program) Parse(opts any, args []string) (exit int, done bool) {
	all := options(opts)
	flags := pflag.NewFlagSet(p.Name, pflag.ContinueOnError)
	flags.SetInterspersed(false)
	flags.SetOutput(io.Discard)
	config := new(string)
	if !p.Tool {
		flags.StringVar(config, "config", "", "TOML file with options")
		flags.Bool("verbose", false, "deprecated, has no effect")
	}
	showVersion := flags.Bool("version", false, "print the version and exit")
	generate := flags.String("generate", "", "text to print")
	for _, o := range all {
		if o.flag == "" {
			continue
		}
		f := flags.VarPF(o, o.flag, "", o.usage)
		if o.isBool() {
			f.NoOptDefVal = "true"
		}
	}
	switch err := flags.Parse(longForm(args, flags)); {
	case errors.Is(err, pflag.ErrHelp):
		p.usage(all)
		return 0, true
	case err != nil:
		fmt.Fprintln(p.Stderr, complaint(err, flags))
		fmt.Fprintf(p.Stderr, "Run '%s --help' for all options.\n", p.Name)
		p.usage(all)
		return ExitUsage, true
	}
	p.Args = flags.Args()
	if *showVersion {
		fmt.Fprintln(p.Stdout, version.String(p.Name))
		return 0, true
	}
	if *generate != "" {
		return p.generate(*generate, all), true
	}
	if *config != "" {
		if err := readFile(*config, all); err != nil {
			p.Fatalf("%s", err)
			return ExitFailure, true
		}
	}
	return 0, false
}

// Fatalf prints the line that a program ends with that cannot start. Its prefix
// is the program's name, whatever --log-prefix says.
func (p *Program) Fatalf(format string, args ...any) {
	p.Format.New(p.Stderr, "["+p.Name+"] ", logging.Info).Fatalf(format, args...)
}

// Context returns a context that ends with the first SIGINT or SIGTERM, or one of
// more. Further ones are ignored, so that an orderly exit is not cut short.
func Context(more ...os.Signal) context.Context {
	first, _ := Contexts(more...)
	return first
}

// Contexts is Context, and another that ends with the second signal.
func Contexts(more ...os.Signal) (first, second context.Context) {
	first, one := context.WithCancel(context.Background())
	second, two := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, append(more, syscall.SIGINT, syscall.SIGTERM)...)
	go func() {
		<-signals
		one()
		<-signals
		two()
	}()
	return first, second
}

// longForm turns -name into --name, up to the first bare word. What follows a
// flag that wants a value is that value, whatever it looks like.
func longForm(args []string, flags *pflag.FlagSet) []string {
	long := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" || len(a) < 2 || a[0] != '-' {
			return append(long, args[i:]...)
		}
		if a[1] != '-' && a != "-h" {
			a = "-" + a
		}
		long = append(long, a)
		f := flags.Lookup(strings.TrimPrefix(a, "--"))
		if f != nil && f.NoOptDefVal == "" && i+1 < len(args) {
			i++
			long = append(long, args[i])
		}
	}
	return long
}

// complaint words an error as Go's package flag does, and proposes the nearest flag.
func complaint(err error, flags *pflag.FlagSet) string {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		text := "flag provided but not defined: -" + name
		if near := nearest(name, flags); near != "" {
			text += fmt.Sprintf(" (did you mean --%s?)", near)
		}
		return text
	case errors.As(err, &invalid):
		form := "invalid value %q for flag -%s: %s"
		if invalid.GetFlag().NoOptDefVal != "" {
			form = "invalid boolean value %q for -%s: %s"
		}
		return fmt.Sprintf(form, invalid.GetValue(), invalid.GetFlag().Name, errors.Unwrap(invalid))
	case errors.As(err, &missing):
		return "flag needs an argument: -" + missing.GetSpecifiedName()
	}
	return err.Error()
}

// nearest returns the flag that is at most three edits away from name, or "".
func nearest(name string, flags *pflag.FlagSet) string {
	best, least := "", 4
	flags.VisitAll(func(f *pflag.Flag) {
		if d := edits(name, f.Name); d < least {
			best, least = f.Name, d
		}
	})
	return best
}

// edits returns how many letters must be put in, taken out or changed to get from a to b.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}

func readFile(path string, all []*option) error {
	var file map[string]any
	if _, err := toml.DecodeFile(path, &file); err != nil {
		return fmt.Errorf("failed to load config file %s - %w", path, err)
	}
	for _, o := range all {
		v, ok := file[o.key]
		if !ok || o.given || o.key == "" {
			continue
		}
		if err := o.setTOML(v); err != nil {
			return fmt.Errorf("failed parsing %s %v in %s - %w", o.key, v, path, err)
		}
	}
	return nil
}
