package archive

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// namer names the files of one topic.
type namer struct {
	format   string // with <DATETIME>, <REV> and <PID> open
	datetime string
	revises  bool
}

func newNamer(o *Options, topic string) (*namer, error) {
	if topic == "." || topic == ".." {
		return nil, errors.New("a topic of this name is no part of a path")
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	short, _, _ := strings.Cut(host, ".")
	identifier := o.HostIdentifier
	if identifier == "" {
		identifier = "<SHORT_HOST>"
	}
	identifier = strings.NewReplacer("<SHORT_HOST>", short, "<HOSTNAME>", host).Replace(identifier)
	format := o.FilenameFormat
	if o.Gzip && !strings.HasSuffix(format, ".gz") {
		format += ".gz"
	}
	format = strings.NewReplacer("<TOPIC>", topic, "<HOST>", identifier).Replace(format)
	return &namer{format: format, datetime: o.DatetimeFormat, revises: o.revises()}, nil
}

// at returns the name of a time's file, with the revision open.
func (n *namer) at(t time.Time) string {
	return strings.NewReplacer("<DATETIME>", strftime(n.datetime, t), "<PID>", strconv.Itoa(os.Getpid())).Replace(n.format)
}

// pattern matches the names of the topic's files of any time and process; its
// first group is the revision.
func (n *namer) pattern() *regexp.Regexp {
	quoted := regexp.QuoteMeta(n.format)
	return regexp.MustCompile("^" + strings.NewReplacer("<DATETIME>", ".*", "<PID>", `\d+`, "<REV>", `-(\d{6,9})`).Replace(quoted) + "$")
}

// revision puts a revision into a name.
func (n *namer) revision(name string, rev int) string {
	word := ""
	if n.revises {
		word = fmt.Sprintf("-%06d", rev)
	}
	return strings.ReplaceAll(name, "<REV>", word)
}

// layouts are Go's words for strftime's codes.
var layouts = map[byte]string{
	'A': "Monday", 'a': "Mon", 'B': "January", 'b': "Jan", 'd': "02", 'H': "15", 'I': "03", 'M': "04", 'm': "01",
	'p': "PM", 'S': "05", 'Y': "2006", 'y': "06", 'Z': "MST", 'z': "-0700",
}

// strftime writes a time in a format. Codes it does not know stay as they are.
func strftime(format string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		layout, known := layouts[format[i]]
		switch {
		case format[i] == '%':
			b.WriteByte('%')
		case known:
			b.WriteString(t.Format(layout))
		default:
			b.WriteString(format[i-1 : i+1])
		}
	}
	return b.String()
}
