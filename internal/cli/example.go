package cli

import (
	"fmt"
	"strings"
	"time"
)

// example prints a configuration file in which every key stands with its default,
// as a comment: "#key = value", while other comments begin with "# ".
func (p *Program) example(all []*option) {
	w := p.Stdout
	fmt.Fprintf(w, "# Configuration of %[1]s, for %[1]s --config=FILE.\n#\n", p.Name)
	wrap(w, "# ", "Every key stands here with its default: take away the # before what you change. What is given on the command line wins over this file.")
	for _, group := range p.groups(all) {
		heading := fmt.Sprintf("\n# ---- %s ----\n", group)
		for _, o := range all {
			if o.key == "" || o.group != group {
				continue
			}
			fmt.Fprintf(w, "%s\n", heading)
			heading = ""
			text := o.usage
			if o.hostly {
				text += fmt.Sprintf(" (default %s)", o.byDefault)
			}
			wrap(w, "# ", text)
			fmt.Fprintf(w, "#%s = %s\n", o.key, o.toml())
		}
	}
}

// toml returns the option's value as it is written in a file, or where that is
// the host's an empty one.
func (o *option) toml() string {
	switch v := o.field.Interface().(type) {
	case []string:
		return quoted(v)
	case []float64:
		return "[" + o.String() + "]"
	case bool, int, int64:
		if o.hostly {
			return "0"
		}
		return fmt.Sprint(v)
	case time.Duration:
		return fmt.Sprintf("%q", v)
	}
	if o.hostly {
		return `""`
	}
	return fmt.Sprintf("%q", o.String())
}

func quoted(words []string) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = fmt.Sprintf("%q", w)
	}
	return "[" + strings.Join(list, ", ") + "]"
}
