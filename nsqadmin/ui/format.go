package ui

import (
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// functions are what the pages write values with.
func (u *UI) functions() template.FuncMap {
	return template.FuncMap{
		"num":     number,
		"zero":    zero,
		"ago":     duration,
		"latency": latency,
		"percent": percentile,
		"clock":   func(t time.Time) string { return t.Format("15:04:05") + " UTC" },
		"iso":     func(t time.Time) string { return t.Format(time.RFC3339) },
		"link":    u.link,
		"path":    func(parts []string) string { return u.link(parts...) },
		"icon":    icon,
		"mark":    mark,
	}
}

// link returns the URL of the page with this path; that of the index without one.
func (u *UI) link(parts ...string) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = url.PathEscape(p)
	}
	if len(parts) == 0 && u.config.BasePath != "" {
		return u.config.BasePath
	}
	return u.config.BasePath + "/" + strings.Join(escaped, "/")
}

// number writes an integer with a comma after each three digits.
func number(v any) string {
	digits := fmt.Sprint(v)
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// zero writes an integer for a table's cell, where 0 steps back.
func zero(v any) template.HTML {
	if n := number(v); n != "0" {
		return template.HTML(n) //nolint:gosec // digits and commas
	}
	return `<span class="z">0</span>`
}

// duration writes ns as people say it, in two units at most.
func duration(ns int64) string {
	d := time.Duration(ns)
	days, hours := int(d.Hours())/24, int(d.Hours())%24
	switch {
	case d < 0:
		return "0 s"
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", hours, int(d.Minutes())%60)
	case d >= time.Minute:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d s", int(d.Seconds()))
}

// latency writes ns with the unit that fits, two decimals at most.
func latency(ns float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, " s"}, {1e6, " ms"}, {1e3, " µs"}} {
		if ns >= unit.size {
			return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(ns/unit.size, 'f', 2, 64), "0"), ".") + unit.name
		}
	}
	return strconv.FormatFloat(ns, 'f', 0, 64) + " ns"
}

// percentile writes a quantile: p99, p99.9.
func percentile(quantile float64) string {
	return "p" + strconv.FormatFloat(quantile*100, 'f', -1, 32)
}

// icon returns the drawing of a symbol that frame.html defines.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="i" aria-hidden="true"><use href="#i-` + template.HTMLEscapeString(name) + `"/></svg>`) //nolint:gosec // escaped
}

// mark returns a state: shape, word and colour. The kinds are crit, warn, hold, stale and ok.
func mark(kind, word string) template.HTML {
	shape := kind
	if kind == "ok" {
		shape = "dot"
	}
	return template.HTML(`<span class="mark `+template.HTMLEscapeString(kind)+`">`) + icon(shape) + //nolint:gosec // escaped
		template.HTML(template.HTMLEscapeString(word)) + `</span>` //nolint:gosec // escaped
}
