package ui

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"nsqsuite/nsqadmin/collector"
)

// The drawing area of a chart; it is stretched to its place.
const (
	chartWidth  = 600.0
	chartHeight = 120.0
	sparkWidth  = 96.0
	sparkHeight = 22.0
	sparkPoints = 50 // at most
	twinRows    = 6  // of the table that says the same
)

// span is how far back the charts look.
type span struct {
	word string
	time time.Duration
}

var spans = []span{{"5m", 5 * time.Minute}, {"30m", 30 * time.Minute}, {"2h", 2 * time.Hour}}

func spanOf(r *request) span {
	for _, s := range spans {
		if s.word == r.URL.Query().Get("span") {
			return s
		}
	}
	return spans[0]
}

// line is a series of a chart.
type line struct {
	Name   string
	Style  int // 1 to 5
	Values []float64
	Now    string // the last value, as text
	Path   template.HTMLAttr
}

// chart is a drawing of what has been.
type chart struct {
	Title   string
	Unit    string // /s, ns, B or "" for things
	Stacked bool
	Small   bool
	Note    string
	Lines   []line
	Top     string // labels of the axis
	Half    string
	Times   []string
	Label   string // what the drawing says, in words
	Rows    [][]string
	Data    string // the same for the script, as JSON
	end     time.Time
	step    time.Duration
	span    time.Duration
}

// newChart returns an empty chart of a span of time.
func newChart(title, unit string, s span, h collector.History) *chart {
	return &chart{Title: title, Unit: unit, end: h.End, step: h.Step, span: s.time}
}

// add adds a series.
func (c *chart) add(name string, style int, h collector.History, of func(*collector.Point) float32) *chart {
	values := make([]float64, len(h.Points))
	for i := range h.Points {
		values[i] = float64(of(&h.Points[i]))
	}
	c.Lines = append(c.Lines, line{Name: name, Style: style, Values: values})
	return c
}

// drawn works the drawing out.
func (c *chart) drawn() *chart {
	longest, highest := 0, 0.0
	for i := range c.Lines {
		l := &c.Lines[i]
		longest = max(longest, len(l.Values))
		l.Now = "–"
		if n := len(l.Values); n > 0 && !math.IsNaN(l.Values[n-1]) {
			l.Now = c.text(l.Values[n-1])
		}
	}
	base := make([]float64, longest)
	tops := make([][]float64, len(c.Lines))
	for i := len(c.Lines) - 1; i >= 0; i-- {
		l := &c.Lines[i]
		tops[i] = make([]float64, len(l.Values))
		shift := longest - len(l.Values)
		for j, v := range l.Values {
			if c.Stacked && !math.IsNaN(v) {
				base[shift+j] += v
				v = base[shift+j]
			}
			tops[i][j] = v
			if v > highest {
				highest = v
			}
		}
	}
	scale := ceiling(highest)
	c.Top, c.Half = axis(scale, c.Unit), axis(scale/2, c.Unit)
	for i := range c.Lines {
		var below []float64
		if c.Stacked && i+1 < len(c.Lines) {
			below = tops[i+1]
		}
		c.Lines[i].Path = template.HTMLAttr(`d="` + c.path(tops[i], below, scale) + `"`) //nolint:gosec // numbers
	}
	c.words(longest)
	return c
}

// ceiling returns a round number that is not below v.
func ceiling(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 4, 6, 8, 10} {
		if v <= step*unit {
			return step * unit
		}
	}
	return 10 * unit
}

func (c *chart) text(v float64) string {
	switch c.Unit {
	case "/s":
		return perSecond(v) + "/s"
	case "ns":
		return latency(v)
	case "B":
		return size(v)
	}
	return number(int64(math.Round(v)))
}

// x returns where the point i of n is: the last at the right edge.
func (c *chart) x(i, n int) float64 {
	return chartWidth - float64(n-1-i)*chartWidth*c.step.Seconds()/c.span.Seconds()
}

// path draws a line, or, stacked, the area down to what is below. Where
// something is not known it has a gap.
func (c *chart) path(values, below []float64, scale float64) string {
	var d strings.Builder
	n := len(values)
	y := func(v float64) float64 { return chartHeight - v/scale*chartHeight }
	from := -1
	flush := func(to int) {
		if !c.Stacked || from < 0 {
			from = -1
			return
		}
		for i := to; i >= from; i-- {
			v := 0.0
			if shift := n - len(below); len(below) > 0 && i >= shift && !math.IsNaN(below[i-shift]) {
				v = below[i-shift]
			}
			fmt.Fprintf(&d, "L%.1f %.1f", c.x(i, n), y(v))
		}
		d.WriteString("Z")
		from = -1
	}
	for i, v := range values {
		if math.IsNaN(v) {
			flush(i - 1)
			continue
		}
		command := "L"
		if from < 0 {
			command, from = "M", i
		}
		fmt.Fprintf(&d, "%s%.1f %.1f", command, c.x(i, n), y(v))
	}
	flush(n - 1)
	return d.String()
}

// words says in text what the drawing shows.
func (c *chart) words(n int) {
	said := make([]string, len(c.Lines))
	for i, l := range c.Lines {
		said[i] = l.Name + " now " + l.Now
	}
	c.Label = c.Title + ": " + strings.Join(said, ", ")
	labels := 6
	if c.Small {
		labels = 2
	}
	for i := range labels {
		at := c.end.Add(-c.span * time.Duration(labels-1-i) / time.Duration(labels-1))
		c.Times = append(c.Times, at.UTC().Format("15:04"))
	}
	c.Times[labels-1] += " UTC"
	for row := range min(n, twinRows) {
		back := (n - 1) * (twinRows - 1 - row) / max(1, twinRows-1)
		if n < twinRows {
			back = n - 1 - row
		}
		cells := []string{c.end.Add(-time.Duration(back) * c.step).UTC().Format("15:04:05")}
		for _, l := range c.Lines {
			text := "–"
			if i := len(l.Values) - 1 - back; i >= 0 && !math.IsNaN(l.Values[i]) {
				text = c.text(l.Values[i])
			}
			cells = append(cells, text)
		}
		c.Rows = append(c.Rows, cells)
	}
	c.Data = c.json(n)
}

// json returns the data as the script wants it: times, then each series from the oldest.
func (c *chart) json(n int) string {
	type series struct {
		Name   string     `json:"name"`
		Style  int        `json:"style"`
		Values []*float64 `json:"values"`
	}
	data := struct {
		End     int64    `json:"end"` // Unix s
		Step    float64  `json:"step"`
		Span    float64  `json:"span"`
		Unit    string   `json:"unit"`
		Stacked bool     `json:"stacked"`
		Series  []series `json:"series"`
	}{c.end.Unix(), c.step.Seconds(), c.span.Seconds(), c.Unit, c.Stacked, nil}
	for _, l := range c.Lines {
		s := series{Name: l.Name, Style: l.Style, Values: make([]*float64, n)}
		shift := n - len(l.Values)
		for i, v := range l.Values {
			if !math.IsNaN(v) {
				v = math.Round(v*100) / 100
				s.Values[shift+i] = &v
			}
		}
		data.Series = append(data.Series, s)
	}
	text, err := json.Marshal(data)
	if err != nil {
		return "" // there is nothing in it that cannot be written
	}
	return string(text)
}

// spark returns a small line of the last five minutes, from zero.
func spark(values []float32, kind string) template.HTML {
	if len(values) < 2 {
		return `<span class="z">–</span>`
	}
	step := (len(values) + sparkPoints - 1) / sparkPoints
	highest := float32(1)
	for _, v := range values {
		highest = max(highest, v)
	}
	var d strings.Builder
	whole := float64(5*time.Minute/collector.Every) - 1
	for i := (len(values) - 1) % step; i < len(values); i += step {
		command := "L"
		if d.Len() == 0 {
			command = "M"
		}
		x := sparkWidth - float64(len(values)-1-i)*sparkWidth/whole
		fmt.Fprintf(&d, "%s%.1f %.1f", command, x, sparkHeight-1-float64(values[i]/highest)*(sparkHeight-2))
	}
	if kind != "crit" && kind != "warn" {
		kind = ""
	}
	return template.HTML(fmt.Sprintf(`<svg class="spark %s" viewBox="0 0 %g %g" role="img" aria-label="%s"><path d="%s"/></svg>`, //nolint:gosec // numbers and words of ours
		kind, sparkWidth, sparkHeight, trend(values), d.String()))
}

// trend says in a word where a line goes.
func trend(values []float32) string {
	third := max(1, len(values)/3)
	before, late := float32(0), float32(0)
	for i := range third {
		before += values[i]
		late += values[len(values)-1-i]
	}
	switch {
	case late > before*1.1+float32(third):
		return "rising"
	case late*1.1+float32(third) < before:
		return "falling"
	}
	return "steady"
}
