package ui

import (
	"fmt"
	"html/template"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"nsqsuite/internal/cluster"
)

// functions are what the pages write values with.
func (u *UI) functions() template.FuncMap {
	return template.FuncMap{
		"num":      number,
		"zero":     zero,
		"rate":     rate,
		"ago":      duration,
		"since":    func(t time.Time) string { return duration(int64(time.Since(t))) },
		"latency":  func(v any) string { return latency(asFloat(v)) },
		"ns":       func(d time.Duration) string { return latency(float64(d)) },
		"bytes":    size,
		"percent":  percentile,
		"clock":    clock,
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"link":     u.link,
		"cluster":  func() Config { return u.config },
		"path":     func(parts []string) string { return u.link(parts...) },
		"act":      u.actLink,
		"icon":     icon,
		"mark":     mark,
		"count":    plural,
		"spark":    spark,
		"reason":   reason,
		"meter":    meter,
		"dict":     dict,
		"feed":     feed,
		"updates":  updates,
		"ms":       func(ns int64) int64 { return ns / int64(time.Millisecond) },
		"behind":   behind,
		"quantile": quantile,
		"share":    share,
		"list":     func(v ...any) []any { return v },
	}
}

// updates tells whether a page updates itself. Where the visitor is about to do
// something, it must not.
func updates(page string) bool {
	switch page {
	case "confirm", "settings", "publish", "messages", "limits":
		return false
	}
	return true
}

// feed returns what makes a page ask for itself again; "" if nothing does.
func feed(f frame) string {
	if !updates(f.Page) {
		return ""
	}
	switch f.Prefs.Live {
	case "live":
		return "sse:snapshot"
	case "paused":
		return ""
	}
	return "every " + f.Prefs.Live + "s"
}

// dict makes named arguments for a part.
func dict(pairs ...any) map[string]any {
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		m[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return m
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

const faint = template.HTML(`<span class="z">0</span>`)

// zero writes an integer for a table's cell, where 0 steps back.
func zero(v any) template.HTML {
	if n := number(v); n != "0" {
		return template.HTML(n) //nolint:gosec // digits and commas
	}
	return faint
}

// rate writes what happens a second, for a cell or a tile; – if it is not known.
func rate(v float64, known bool) template.HTML {
	switch {
	case !known:
		return `<span class="z">–</span>`
	case v == 0:
		return faint
	}
	return template.HTML(perSecond(v) + `<span class="u">/s</span>`) //nolint:gosec // digits and commas
}

func perSecond(v float64) string {
	switch a := math.Abs(v); {
	case a >= 99.95:
		return number(int64(math.Round(v)))
	case a >= 0.95:
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	}
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 2, 64), "0"), ".")
}

// signed writes a slope.
func signed(v float64) string {
	if v > 0 {
		return "+" + perSecond(v) + "/s"
	}
	return perSecond(v) + "/s"
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
	if ns >= float64(time.Minute) {
		return duration(int64(ns))
	}
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, " s"}, {1e6, " ms"}, {1e3, " µs"}} {
		if ns >= unit.size {
			v := ns / unit.size
			decimals := 2
			if v >= 100 {
				decimals = 0
			} else if v >= 10 {
				decimals = 1
			}
			text := strconv.FormatFloat(v, 'f', decimals, 64)
			if decimals > 0 {
				text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
			}
			return text + unit.name
		}
	}
	return strconv.FormatFloat(ns, 'f', 0, 64) + " ns"
}

// size writes bytes.
func size(v any) string {
	b := asFloat(v)
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, " TB"}, {1e9, " GB"}, {1e6, " MB"}, {1e3, " kB"}} {
		if b >= unit.size {
			return strings.TrimSuffix(strconv.FormatFloat(b/unit.size, 'f', 1, 64), ".0") + unit.name
		}
	}
	return strconv.FormatFloat(b, 'f', 0, 64) + " B"
}

// axis writes a number beside a chart.
func axis(v float64, unit string) string {
	switch unit {
	case "ns":
		if v == 0 {
			return "0"
		}
		return latency(v)
	case "B":
		return size(v)
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	switch {
	case v >= 1e9:
		text = strconv.FormatFloat(v/1e9, 'f', -1, 64) + "G"
	case v >= 1e6:
		text = strconv.FormatFloat(v/1e6, 'f', -1, 64) + "M"
	case v >= 1e4:
		text = strconv.FormatFloat(v/1e3, 'f', -1, 64) + "k"
	case v >= 1e3:
		text = number(int64(v))
	}
	if v == 0 {
		return "0"
	}
	return text + unit
}

func asFloat(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case float32:
		return float64(v)
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	case time.Duration:
		return float64(v)
	}
	return math.NaN()
}

// clock writes a moment: with its date if it is not of today.
func clock(t time.Time) string {
	t = t.UTC()
	if now := time.Now().UTC(); t.YearDay() != now.YearDay() || t.Year() != now.Year() {
		return t.Format("2006-01-02 15:04:05") + " UTC"
	}
	return t.Format("15:04:05") + " UTC"
}

// percentile writes a quantile: p99, p99.9.
func percentile(quantile float64) string {
	return "p" + strconv.FormatFloat(quantile*100, 'f', -1, 32)
}

func plural(n any, word string) string {
	text := number(n)
	if text != "1" {
		switch {
		case strings.HasSuffix(word, "ss"):
			word += "es"
		case strings.HasSuffix(word, "ry"):
			word = strings.TrimSuffix(word, "y") + "ies"
		default:
			word += "s"
		}
	}
	return text + " " + word
}

// icon returns the drawing of a symbol that icons.html defines.
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

// meter returns a bar that shows a share, with the words that say it.
func meter(part, of int64, stuck bool, words string) template.HTML {
	share := 0.0
	if of > 0 {
		share = math.Min(100, 100*float64(part)/float64(of))
	} else if part > 0 {
		share = 100
	}
	fill := "f1"
	if stuck {
		fill = "fc"
	}
	return template.HTML(fmt.Sprintf(`<span class="meter"><svg role="img" aria-label="%s"><rect class="tr" width="100%%" height="10" rx="2"/><rect class="%s" width="%.4g%%" height="10" rx="2"/></svg><span class="v">%s<span class="q3"> / %s</span></span></span>`, //nolint:gosec // escaped
		template.HTMLEscapeString(words), fill, share, number(part), number(of)))
}

// behind draws how far a channel is behind the newest message: the deepest of
// its topic fills the strip.
func behind(depth, most int64) template.HTML {
	share := 0.0
	if most > 0 {
		share = 100 * float64(depth) / float64(most) * 0.92
	}
	at := 100 - share
	return template.HTML(fmt.Sprintf(`<rect class="wait" x="%.2f%%" width="%.2f%%" height="12"/><svg x="%.2f%%" width="1" height="18"><path class="cur" d="M-1 0h2v12l4 6h-10l4-6z"/></svg>`, at, share, at)) //nolint:gosec // numbers
}

// quantile writes a node's own percentile.
func quantile(l *cluster.Latency, of float64) template.HTML {
	for _, q := range l.Percentiles {
		if q.Quantile == of {
			return template.HTML(latency(q.Max)) //nolint:gosec // a number and its unit
		}
	}
	return `<span class="z">–</span>`
}

// share writes a part of a whole.
func share(part, of uint64) string {
	if of == 0 {
		return "–"
	}
	return strconv.FormatFloat(100*float64(part)/float64(of), 'f', 2, 64) + "%"
}
