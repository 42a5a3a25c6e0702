package cli

import (
	"fmt"
	"strings"
)

// bash prints a completion script for bash.
func (p *Program) bash(all []*option) {
	var words []string
	for _, e := range p.entries(all) {
		word := "--" + e.flag
		if e.kind != "" {
			word += "="
		}
		words = append(words, word)
	}
	fmt.Fprintf(p.Stdout, `# bash completion for %[1]s
_%[1]s() {
	COMPREPLY=()
	case $2 in
	-*) mapfile -t COMPREPLY < <(compgen -W %[2]q -- "$2") ;;
	esac
	if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
		compopt -o nospace
	fi
}
complete -o default -F _%[1]s %[1]s
`, p.Name, strings.Join(words, " "))
}

// zsh prints a completion script for zsh.
func (p *Program) zsh(all []*option) {
	escape := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `:`, `\:`, `'`, `'\''`)
	fmt.Fprintf(p.Stdout, "#compdef %s\n\n_arguments \\\n", p.Name)
	for _, e := range p.entries(all) {
		value := ""
		if e.kind != "" {
			value = "=:" + escape.Replace(e.kind) + ":_default"
		}
		flag, hint, _ := strings.Cut(value, ":")
		if hint != "" {
			hint = ":" + hint
		}
		fmt.Fprintf(p.Stdout, "\t'*--%s%s[%s]%s' \\\n", e.flag, flag, escape.Replace(e.text), hint)
	}
	fmt.Fprintf(p.Stdout, "\t&& return 0\n")
}

// fish prints a completion script for fish.
func (p *Program) fish(all []*option) {
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	for _, e := range p.entries(all) {
		needs := ""
		if e.kind != "" {
			needs = " -r"
		}
		fmt.Fprintf(p.Stdout, "complete -c %s -l %s%s -d '%s'\n", p.Name, e.flag, needs, escape.Replace(e.text))
	}
}
