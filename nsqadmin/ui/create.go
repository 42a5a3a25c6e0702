package ui

import (
	"strings"

	"nsqsuite/nsqadmin/collector"
	"nsqsuite/protocol"
)

// createForm is the form that makes a topic or channel.
type createForm struct {
	Topic, Channel           string
	TopicError, ChannelError string
	Tried                    bool
	New                      bool // nobody has the topic yet
}

// OK tells whether it can be sent.
func (f *createForm) OK() bool { return f.Topic != "" && f.TopicError == "" && f.ChannelError == "" }

// check says what is wrong with the names.
func (f *createForm) check(s *collector.Snapshot) {
	f.Topic, f.Channel = strings.TrimSpace(f.Topic), strings.TrimSpace(f.Channel)
	if f.Topic != "" {
		f.TopicError = nameError(f.Topic)
		f.New = s.Topic(f.Topic) == nil
	} else if f.Tried {
		f.TopicError = "A topic needs a name."
	}
	if f.Channel != "" {
		f.ChannelError = nameError(f.Channel)
	}
}

// nameError says what is wrong with a name, and proposes another; "" if nothing is.
func nameError(name string) string {
	if protocol.ValidName(name) {
		return ""
	}
	if len(name) > protocol.MaxNameLength {
		return "A name has 64 characters at most."
	}
	better := strings.Map(func(r rune) rune {
		if protocol.ValidName(string(r)) {
			return r
		}
		return '-'
	}, strings.TrimSuffix(name, protocol.EphemeralSuffix))
	return "A name is made of letters, digits and . _ - only, with #ephemeral behind it at most. Try " + better + "."
}

// withForm puts a form that was filled in back into the page Lookup.
func withForm(v view, f createForm) view {
	d := v.data.(lookupData)
	d.Form = f
	v.data, v.status = d, 422
	return v
}
