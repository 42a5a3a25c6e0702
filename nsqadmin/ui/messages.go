package ui

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/cluster"
	"nsqsuite/nsqadmin/collector"
	"nsqsuite/protocol"
)

// Bounds of a look at messages.
const (
	messagesShown = 50  // on a page
	searchPages   = 20  // of messages that a search looks through
	previewSize   = 120 // bytes
	peekWait      = 3 * time.Second
)

// messageRow is a message as a page shows it.
type messageRow struct {
	protocol.PeekedMessage
	At      time.Time
	Until   time.Time
	Preview string
	Drawn   template.HTML // the body: JSON as a tree, text, or hex
	Whole   string        // where the whole body is
	Cancel  string        // where it is asked whether to drop it
}

type messagesData struct {
	*collector.Channel
	State  string
	States []string
	Node   *collector.Node
	Nodes  []*collector.Node // that can be asked
	Query  string
	As     string // json, text or hex
	Rows   []messageRow
	Looked int // messages that were looked through
	More   string
	Error  string
}

// peekStates are where messages can be looked at.
var peekStates = []string{protocol.PeekReady, protocol.PeekInFlight, protocol.PeekDeferred}

// messages shows copies of a channel's messages. Looking changes nothing.
func (u *UI) messages(r *request) view {
	if !u.mayTouchMessages(r.visitor) {
		return refused
	}
	q := r.URL.Query()
	t := r.snapshot.Topic(q.Get("topic"))
	if t == nil {
		return u.noTopic(r.snapshot, q.Get("topic"))
	}
	c := t.Channel(q.Get("channel"))
	if c == nil {
		return missing("There is no channel "+q.Get("channel")+" of "+t.TopicName+".", t.TopicName, u.link("topics", t.TopicName))
	}
	d := messagesData{Channel: c, States: peekStates, State: peekStates[0], Query: q.Get("q"), As: "json"}
	if slices.Contains(d.States, q.Get("state")) {
		d.State = q.Get("state")
	}
	if as := q.Get("as"); as == "text" || as == "hex" {
		d.As = as
	}
	for _, on := range c.On {
		if on.On.Can(protocol.FeaturePeek) && !on.On.Stale {
			d.Nodes = append(d.Nodes, on.On)
		}
	}
	if len(d.Nodes) == 0 {
		return missing("No node that has "+c.ChannelName+" can show its messages.", "", "")
	}
	d.Node = d.Nodes[0]
	for _, n := range d.Nodes {
		if n.Address == q.Get("node") {
			d.Node = n
		}
	}
	u.look(r, &d, q.Get("from"))
	return view{page: "messages", title: "Messages of " + c.ChannelName, data: d}
}

// look fills the page with the messages that match.
func (u *UI) look(r *request, d *messagesData, from string) {
	ctx, cancel := context.WithTimeout(r.Context(), peekWait)
	defer cancel()
	for range searchPages {
		peek, err := u.cluster.Peek(ctx, d.Node.Node, cluster.PeekQuery{
			Topic: d.TopicName, Channel: d.ChannelName, State: d.State, From: from, Limit: messagesShown,
		})
		if err != nil {
			d.Error = err.Error()
			return
		}
		d.Looked += len(peek.Messages)
		for i := range peek.Messages {
			m := &peek.Messages[i]
			if d.Query != "" && !bytes.Contains(m.Body, []byte(d.Query)) && !strings.HasPrefix(m.ID, d.Query) {
				continue
			}
			d.Rows = append(d.Rows, u.messageRow(d, m, from))
		}
		if from = peek.Next; from == "" {
			return
		}
		d.More = u.with(r, "from", from)
		if d.Query == "" && len(d.Rows) > 0 || len(d.Rows) >= messagesShown {
			return
		}
	}
}

func (u *UI) messageRow(d *messagesData, m *protocol.PeekedMessage, from string) messageRow {
	row := messageRow{PeekedMessage: *m, At: time.Unix(0, m.Timestamp), Preview: preview(m.Body), Drawn: drawBody(m.Body, d.As)}
	if m.Until > 0 {
		row.Until = time.Unix(0, m.Until)
	}
	row.Cancel = u.link("act", string(cluster.Cancel)) + "?" + url.Values{
		"topic": {d.TopicName}, "channel": {d.ChannelName}, "only": {d.Node.HTTPAddress()}, "id": {m.ID},
	}.Encode()
	row.Whole = u.link("messages", "body") + "?" + url.Values{
		"topic": {d.TopicName}, "channel": {d.ChannelName}, "node": {d.Node.Address}, "state": {d.State}, "id": {m.ID}, "from": {from},
	}.Encode()
	return row
}

// preview returns the beginning of a body as one line.
func preview(body []byte) string {
	text := strings.ToValidUTF8(string(body[:min(len(body), previewSize)]), "·")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '·'
		}
		return r
	}, text)
}

// drawBody draws a body as it is wanted, or as it can be.
func drawBody(body []byte, as string) template.HTML {
	if as == "json" {
		if tree, ok := drawJSON(body); ok {
			return tree
		}
	}
	if as == "hex" || !printable(body) {
		return template.HTML(`<pre class="code">` + template.HTMLEscapeString(hex.Dump(body)) + `</pre>`) //nolint:gosec // escaped
	}
	return template.HTML(`<pre class="code">` + template.HTMLEscapeString(string(body)) + `</pre>`) //nolint:gosec // escaped
}

// printable tells whether a body is text.
func printable(body []byte) bool {
	return utf8.Valid(body) && !bytes.ContainsFunc(body, func(r rune) bool {
		return unicode.IsControl(r) && !unicode.IsSpace(r)
	})
}

// messageBody answers the whole body of one message.
func (u *UI) messageBody(w http.ResponseWriter, r *http.Request, p httprouter.Params) int {
	visit := u.visit(r, p)
	if !u.mayTouchMessages(visit.visitor) {
		return u.draw(w, visit, refused)
	}
	q := r.URL.Query()
	n := visit.snapshot.Node(q.Get("node"))
	if n == nil || !n.Can(protocol.FeaturePeek) {
		return u.draw(w, visit, missing("That node cannot show messages.", "", ""))
	}
	ctx, cancel := context.WithTimeout(r.Context(), peekWait)
	defer cancel()
	m, err := u.whole(ctx, n.Node, q.Get("id"), cluster.PeekQuery{
		Topic: q.Get("topic"), Channel: q.Get("channel"), State: q.Get("state"), From: q.Get("from"), Limit: messagesShown,
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return http.StatusBadGateway
	}
	if m != nil {
		header := w.Header()
		header.Set("Content-Type", "application/octet-stream")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.bin"`, url.PathEscape(m.ID)))
		w.Write(m.Body) //nolint:errcheck // the client is gone: nobody to tell
		return http.StatusOK
	}
	return u.draw(w, visit, missing("That message is not there any more. It may have been finished.", "", ""))
}

// whole returns a message with all of its body, looked for from a position on;
// nil if it is not there.
func (u *UI) whole(ctx context.Context, node *cluster.Node, id string, what cluster.PeekQuery) (*protocol.PeekedMessage, error) {
	for range searchPages {
		peek, err := u.cluster.Peek(ctx, node, what)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(peek.Messages, func(m protocol.PeekedMessage) bool { return m.ID == id })
		if i >= 0 && len(peek.Messages[i].Body) == peek.Messages[i].Size {
			return &peek.Messages[i], nil
		}
		if i >= 0 {
			return u.uncut(ctx, node, what, i, &peek.Messages[i])
		}
		if what.From = peek.Next; what.From == "" {
			break
		}
	}
	return nil, nil
}

// uncut asks once more for a message of which only the beginning has come, the
// one behind i others from the position on.
func (u *UI) uncut(ctx context.Context, node *cluster.Node, what cluster.PeekQuery, i int, m *protocol.PeekedMessage) (*protocol.PeekedMessage, error) {
	if i > 0 {
		what.Limit = i
		before, err := u.cluster.Peek(ctx, node, what)
		if err != nil {
			return nil, err
		}
		what.From = before.Next
	}
	what.Limit, what.MaxBody = 1, m.Size
	peek, err := u.cluster.Peek(ctx, node, what)
	if err != nil || len(peek.Messages) == 0 || peek.Messages[0].ID != m.ID {
		return nil, err
	}
	return &peek.Messages[0], nil
}
