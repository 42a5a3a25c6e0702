package ui

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/nsqadmin/collector"
)

// topicsPage is how many topics a page lists.
const topicsPage = 100

// column is a column of the topics' table.
type column struct {
	Name, Title string
	text        bool // sorts up first
	by          func(a, b *collector.Topic) int
	cell        func(t *collector.Topic) template.HTML // nil if the page draws it
	total       func(s *collector.Sum) template.HTML
	value       func(t *collector.Topic) string // for export
}

func numeric[T cmp.Ordered](name, title string, of func(t *collector.Topic) T, cell func(t *collector.Topic) template.HTML, total func(s *collector.Sum) template.HTML) column {
	return column{
		Name: name, Title: title, cell: cell, total: total,
		by:    func(a, b *collector.Topic) int { return cmp.Compare(of(b), of(a)) },
		value: func(t *collector.Topic) string { return fmt.Sprint(of(t)) },
	}
}

func counted(name, title string, of func(s *collector.Sum) int64) column {
	return numeric(name, title, func(t *collector.Topic) int64 { return of(&t.Sum) },
		func(t *collector.Topic) template.HTML { return zero(of(&t.Sum)) }, func(s *collector.Sum) template.HTML { return zero(of(s)) })
}

func rated(name, title string, of func(r *collector.Rates) float64) column {
	return numeric(name, title, func(t *collector.Topic) float64 { return of(&t.Rates) },
		func(t *collector.Topic) template.HTML { return rate(of(&t.Rates), t.Rates.Known) },
		func(s *collector.Sum) template.HTML { return rate(of(&s.Rates), s.Rates.Known) })
}

// topicColumns are those that can be chosen, in order.
var topicColumns = []column{
	rated("in", "Published", func(r *collector.Rates) float64 { return r.In }),
	rated("out", "Finished", func(r *collector.Rates) float64 { return r.Out }),
	counted("inflight", "In flight", func(s *collector.Sum) int64 { return s.InFlight }),
	counted("deferred", "Deferred", func(s *collector.Sum) int64 { return s.Deferred }),
	rated("requeue", "Requeued", func(r *collector.Rates) float64 { return r.Requeued }),
	rated("timeout", "Timed out", func(r *collector.Rates) float64 { return r.TimedOut }),
	counted("disk", "On disk", func(s *collector.Sum) int64 { return s.OnDisk }),
	counted("messages", "Messages so far", func(s *collector.Sum) int64 { return int64(s.Messages) }),
	counted("channels", "Channels", func(s *collector.Sum) int64 { return int64(s.ChannelCount) }),
	counted("consumers", "Consumers", func(s *collector.Sum) int64 { return int64(s.Consumers) }),
	numeric("nodes", "Nodes", func(t *collector.Topic) int { return len(t.On) },
		func(t *collector.Topic) template.HTML { return zero(len(t.On)) }, nil),
}

// usualColumns are those that are shown unless others are chosen.
var usualColumns = []string{"in", "out", "inflight", "deferred", "requeue", "channels", "consumers", "nodes"}

// Columns that are always there.
var fixedColumns = []column{
	{Name: "name", text: true, by: func(a, b *collector.Topic) int { return cmp.Compare(a.TopicName, b.TopicName) }},
	{Name: "state", by: func(a, b *collector.Topic) int { return cmp.Compare(stateRank(b.State), stateRank(a.State)) }},
	counted("depth", "Depth", func(s *collector.Sum) int64 { return s.Depth }),
}

func stateRank(s collector.State) int {
	return slices.Index([]string{"", "hold", "warn", "crit"}, s.Kind)
}

// topicCell is a drawn cell of a row.
type topicCell struct {
	Label string
	Text  template.HTML
}

type topicRow struct {
	*collector.Topic
	Spark template.HTML
	Cells []topicCell
}

// sortLink is a column's head.
type sortLink struct {
	Title, URL, Sorted string // Sorted is ascending, descending or ""
}

type topicsData struct {
	Filter  filter
	Query   string
	Rows    []topicRow
	Shown   int // that match
	All     int
	Heads   map[string]sortLink
	Columns []sortLink
	Choices []choice
	Totals  []template.HTML
	Total   collector.Sum
	pager
	Unheld []string
	First  *collector.Node
	Export string
	Sort   string
}

type choice struct {
	Name, Title string
	On          bool
}

func (u *UI) topics(r *request) view {
	s, q := r.snapshot, r.URL.Query()
	d := topicsData{Filter: parseFilter(q.Get("q")), Query: q.Get("q"), All: len(s.Topics), Heads: map[string]sortLink{}, Sort: cmp.Or(q.Get("sort"), "depth")}
	found := d.Filter.topics(s)
	d.Shown = len(found)
	for _, t := range found {
		d.Total.Add(&t.Sum)
	}
	shown := u.chosenColumns(r)
	sortTopics(found, d.Sort)
	d.pager = u.pager(r, len(found), topicsPage)
	for _, t := range found[d.From:d.To] {
		row := topicRow{Topic: t, Spark: spark(u.collector.Depths(collector.Key{Topic: t.TopicName}), t.State.Kind)}
		for _, c := range shown {
			row.Cells = append(row.Cells, topicCell{c.Title, c.cell(t)})
		}
		d.Rows = append(d.Rows, row)
	}
	for _, c := range fixedColumns {
		d.Heads[c.Name] = u.sortHead(r, c, d.Sort)
	}
	for _, c := range shown {
		d.Columns = append(d.Columns, u.sortHead(r, c, d.Sort))
		var total template.HTML
		if c.total != nil {
			total = c.total(&d.Total)
		}
		d.Totals = append(d.Totals, total)
	}
	for _, c := range topicColumns {
		on := slices.ContainsFunc(shown, func(s column) bool { return s.Name == c.Name })
		d.Choices = append(d.Choices, choice{c.Name, c.Title, on})
	}
	for name := range s.Idle {
		if s.Topic(name) == nil {
			d.Unheld = append(d.Unheld, name)
		}
	}
	slices.Sort(d.Unheld)
	if len(s.Nodes) > 0 {
		d.First = s.Nodes[0]
	}
	d.Export = u.config.BasePath + "/export/topics.csv?" + url.Values{"q": {d.Query}}.Encode()
	return view{page: "topics", title: "Topics", data: d}
}

// chosenColumns returns those that the visitor wants.
func (u *UI) chosenColumns(r *request) (shown []column) {
	names := usualColumns
	if len(r.prefs.Columns) > 0 {
		names = r.prefs.Columns
	}
	for _, c := range topicColumns {
		if slices.Contains(names, c.Name) {
			shown = append(shown, c)
		}
	}
	return shown
}

// sortTopics sorts by a column's name; a ~ before it turns the order round.
func sortTopics(topics []*collector.Topic, by string) {
	back := len(by) > 0 && by[0] == '~'
	if back {
		by = by[1:]
	}
	for _, c := range append(slices.Clone(fixedColumns), topicColumns...) {
		if c.Name != by {
			continue
		}
		slices.SortStableFunc(topics, func(a, b *collector.Topic) int {
			if back {
				return c.by(b, a)
			}
			return c.by(a, b)
		})
	}
}

// sortHead returns the head of a column: a link that sorts by it, or the other way round.
func (u *UI) sortHead(r *request, c column, now string) sortLink {
	h := sortLink{Title: c.Title, URL: u.with(r, "sort", c.Name)}
	switch now {
	case c.Name:
		h.Sorted, h.URL = "descending", u.with(r, "sort", "~"+c.Name)
		if c.text {
			h.Sorted = "ascending"
		}
	case "~" + c.Name:
		h.Sorted = "ascending"
		if c.text {
			h.Sorted = "descending"
		}
	}
	return h
}

// with returns the page's own URL with one parameter changed; a new order begins at the first page.
func (u *UI) with(r *request, name, value string) string {
	q := r.URL.Query()
	q.Set(name, value)
	q.Del("done")
	if name != "page" {
		q.Del("page")
	}
	return r.URL.EscapedPath() + "?" + q.Encode()
}

// exportTopics answers the listed topics as CSV.
func (u *UI) exportTopics(w http.ResponseWriter, r *http.Request, p httprouter.Params) int {
	visit := u.visit(r, p)
	chosen := parseFilter(r.URL.Query().Get("q"))
	found := chosen.topics(visit.snapshot)
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="topics.csv"`)
	out := csv.NewWriter(w)
	heads := []string{"topic", "state", "depth"}
	for _, c := range topicColumns {
		heads = append(heads, c.Name)
	}
	out.Write(heads) //nolint:errcheck // the client is gone: nobody to tell
	for _, t := range found {
		row := []string{t.TopicName, t.State.Word, fmt.Sprint(t.Depth)}
		for _, c := range topicColumns {
			row = append(row, c.value(t))
		}
		out.Write(row) //nolint:errcheck // the client is gone: nobody to tell
	}
	out.Flush()
	return http.StatusOK
}
