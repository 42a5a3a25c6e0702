package ui

import (
	"strconv"

	"nsqsuite/internal/cluster"
	"nsqsuite/nsqadmin/actions"
)

func (u *UI) settings(*request) view {
	return view{page: "settings", title: "Settings", data: u.config.Options}
}

// entry is an action in words.
type entry struct {
	*actions.Entry
	Who    string
	Did    string // Paused
	Object string
	Link   string
	Failed []cluster.Outcome
	Open   bool // its results are shown
}

func (u *UI) activity(r *request) view {
	open, _ := strconv.Atoi(r.URL.Query().Get("open")) // what is no number opens nothing
	var entries []entry
	for _, e := range u.actor.Entries() {
		entries = append(entries, u.entry(e))
		entries[len(entries)-1].Open = e.ID == open
	}
	return view{page: "activity", title: "Activity", data: entries}
}

var did = map[cluster.Verb]string{
	cluster.Create: "Created", cluster.Delete: "Deleted", cluster.Pause: "Paused", cluster.Unpause: "Unpaused",
	cluster.Empty: "Emptied", cluster.Tombstone: "Tombstoned",
	cluster.Publish: "Published to",
	cluster.Redrive: "Began to redrive", cluster.StopRedrive: "Stopped the redrive of", cluster.Cancel: "Cancelled a message of",
	cluster.Limit: "Set the limits of",
}

func (u *UI) entry(e *actions.Entry) entry {
	c := e.Command
	out := entry{Entry: e, Who: e.By.User, Did: did[c.Verb], Object: c.Topic, Link: u.link("topics", c.Topic), Failed: e.Failed()}
	if out.Who == "" {
		out.Who = e.By.BasicUser
	}
	if c.Channel != "" {
		out.Object, out.Link = c.Topic+" / "+c.Channel, u.link("topics", c.Topic, c.Channel)
	}
	switch c.Verb {
	case cluster.Tombstone:
		out.Object += " on " + c.Node
	case cluster.Redrive:
		out.Object += " to " + c.To
	case cluster.Cancel:
		out.Object += ", " + c.Message
	case cluster.Limit:
		out.Object += ": " + limitsInWords(c.Limits)
	}
	return out
}
