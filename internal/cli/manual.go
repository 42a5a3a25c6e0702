package cli

import (
	"fmt"
	"strings"

	"nsqsuite/internal/version"
)

var roff = strings.NewReplacer(`\`, `\e`, `-`, `\-`, `"`, `\(dq`, `…`, `...`)

// manual prints the manual page.
func (p *Program) manual(all []*option) {
	section := 8
	if p.Tool {
		section = 1
	}
	does := strings.TrimSuffix(strings.TrimPrefix(p.Does, p.Name+" "), ".")
	w := p.Stdout
	fmt.Fprintf(w, ".TH %s %d \"\" \"nsqsuite %s\" \"NSQ\"\n", strings.ToUpper(p.Name), section, version.Number)
	fmt.Fprintf(w, ".SH NAME\n%s \\- %s\n", roff.Replace(p.Name), roff.Replace(does))
	fmt.Fprintf(w, ".SH SYNOPSIS\n.B %s\n[\\fB\\-\\-\\fIoption\\fR=\\fIvalue\\fR ...]\n", roff.Replace(p.Name))
	fmt.Fprintf(w, ".SH DESCRIPTION\n%s\nAn option may be written with one dash or two, and its value behind = or as the next word.\n", roff.Replace(p.Does))
	fmt.Fprintf(w, ".SH OPTIONS\n")
	group := ""
	for _, e := range p.entries(all) {
		if e.group != group {
			group = e.group
			fmt.Fprintf(w, ".SS %s\n", roff.Replace(group))
		}
		kind := ""
		if e.kind != "" {
			kind = "=\\fI" + roff.Replace(e.kind) + "\\fR"
		}
		fmt.Fprintf(w, ".TP\n\\fB\\-\\-%s\\fR%s\n\\&%s\n", roff.Replace(e.flag), kind, roff.Replace(e.text))
	}
	fmt.Fprintf(w, `.SH EXIT STATUS
.TP
0
The program has ended in order, also by SIGINT or SIGTERM.
.TP
1
It could not start, or not go on.
.TP
2
The command line was not understood.
`)
	if !p.Tool {
		fmt.Fprintf(w, ".SH FILES\nThe file that \\fB\\-\\-config\\fR names is TOML.\n\\fB%s \\-\\-generate=config\\fR prints one with all keys and their defaults.\n", roff.Replace(p.Name))
	}
}
