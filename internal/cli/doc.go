// Package cli makes a program's settings out of one struct of options: its
// flags, its TOML file, its --help, and what GET /config/<key> answers.
//
// The struct's fields hold the defaults and carry tags:
//
//	TCPAddress string `flag:"tcp-address" group:"Network" usage:"address to listen on for clients"`
//
// A field's kind is string, bool, int, int64, time.Duration, []string,
// []float64, or one whose pointer is a pflag.Value. The TOML key is the flag
// with _ for -, or what a tag "toml" says. A field with an empty flag is a key
// only, one with toml:"-" a flag only. A tag "default" describes a default that
// depends on the host.
//
// What is given on the command line beats the file, which beats the default.
// Both -name and --name are understood, and what Go's package flag accepts is
// accepted (nsqd-http-and-config.md 2.1 and 2.2).
//
// From the same tags come, by --generate, the manual page, completions for
// shells, and an example of the file, so that none of them can be out of date.
package cli
