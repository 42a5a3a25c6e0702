package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// helpWidth is how many columns --help and the example file fill.
const helpWidth = 80

// entry is a flag as it is described.
type entry struct {
	flag, kind string // kind is empty if it stands alone
	text       string // with the default
	group      string
}

// entries returns all flags, those of one group together.
func (p *Program) entries(all []*option) []entry {
	const general = "General"
	var list []entry
	generate := "print the manual page, or a shell's completion, and exit: man, bash, zsh or fish"
	if !p.Tool {
		generate = "print the manual page, a shell's completion or an example of the file, and exit: man, bash, zsh, fish or config"
		list = append(list, entry{"config", "file", "TOML file with options; keys are the options' names with _ for -", general})
	}
	list = append(list,
		entry{"help", "", "print this and exit", general},
		entry{"version", "", "print the version and exit", general},
		entry{"generate", "what", generate, general})
	for _, group := range p.groups(all) {
		for _, o := range all {
			if o.flag == "" || o.group != group {
				continue
			}
			e := entry{flag: o.flag, kind: o.Type(), text: o.usage, group: o.group}
			if o.isBool() {
				e.kind = ""
			}
			if o.byDefault != "" && o.byDefault != "false" {
				e.text += fmt.Sprintf(" (default %s)", strings.ReplaceAll(o.byDefault, "\n", `\n`))
			}
			list = append(list, e)
		}
	}
	return list
}

// groups returns the names of the options' groups, General before all others.
func (p *Program) groups(all []*option) []string {
	names := []string{"General"}
	for _, o := range all {
		if !slices.Contains(names, o.group) {
			names = append(names, o.group)
		}
	}
	return names
}

// usage prints all flags, by group.
func (p *Program) usage(all []*option) {
	fmt.Fprintf(p.Stderr, "%s\n\nUsage: %s [--option=value …]\n", p.Does, p.Name)
	group := ""
	for _, e := range p.entries(all) {
		if e.group != group {
			group = e.group
			fmt.Fprintf(p.Stderr, "\n%s:\n", group)
		}
		fmt.Fprintf(p.Stderr, "  %s\n", strings.TrimSpace("--"+e.flag+" "+e.kind))
		wrap(p.Stderr, "        ", e.text)
	}
}

// wrap writes a text in lines that begin with indent.
func wrap(w io.Writer, indent, text string) {
	line := indent
	for _, word := range strings.Fields(text) {
		if line != indent && len(line)+len(word) >= helpWidth {
			fmt.Fprintln(w, strings.TrimRight(line, " "))
			line = indent
		}
		line += word + " "
	}
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}

// generate prints what --generate asks for, and returns the exit code.
func (p *Program) generate(what string, all []*option) int {
	writers := map[string]func([]*option){"man": p.manual, "bash": p.bash, "zsh": p.zsh, "fish": p.fish}
	if !p.Tool {
		writers["config"] = p.example
	}
	write, ok := writers[what]
	if !ok {
		fmt.Fprintf(p.Stderr, "invalid value %q for flag -generate: run '%s --help' for what there is\n", what, p.Name)
		return ExitUsage
	}
	write(all)
	return 0
}
