package upstream

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"

	"nsqsuite/internal/vfs"
)

const (
	infix      = ".diskqueue."
	metaSuffix = "meta.dat"
	dataSuffix = ".dat"
	badSuffix  = ".bad"
	tempSuffix = ".tmp"
	minDigits  = 6
	// maxMeta is how many bytes of a metadata file are looked at: three lines of numbers are shorter.
	maxMeta = 256
)

// ErrMetadata says that a metadata file is not what it should be.
var ErrMetadata = errors.New("metadata are unreadable")

// QueueName returns the name of a channel's queue, or of the topic's if channel is empty.
func QueueName(topic, channel string) string {
	if channel == "" {
		return topic
	}
	return topic + ":" + channel
}

// SplitName is the reverse of QueueName.
func SplitName(queue string) (topic, channel string) {
	topic, channel, _ = strings.Cut(queue, ":")
	return topic, channel
}

// Position is a place in a queue.
type Position struct{ File, Pos int64 }

// Metadata is what a queue's metadata file says.
type Metadata struct {
	Depth       int64
	Read, Write Position
}

// String returns the file's content.
func (m Metadata) String() string {
	return fmt.Sprintf("%d\n%d,%d\n%d,%d\n", m.Depth, m.Read.File, m.Read.Pos, m.Write.File, m.Write.Pos)
}

// DataFile is a data file of a queue.
type DataFile struct {
	Name   string
	Number int64
	Bad    bool // upstream has given it up
}

// Queue is the files of one queue.
type Queue struct {
	Name string
	Meta Metadata
	// MetaErr says why Meta is not known: fs.ErrNotExist or ErrMetadata.
	MetaErr error
	Data    []DataFile // by number
	Litter  []string   // metadata files that were never finished

	fs  vfs.FS
	dir string
}

// List returns the queues that have files in dir, sorted by name. The error is the disk's.
func List(fsys vfs.FS, dir string) ([]*Queue, error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	byName := map[string]*Queue{}
	for _, entry := range entries {
		name, rest, ok := split(entry)
		if !ok {
			continue
		}
		q := byName[name]
		if q == nil {
			q = &Queue{Name: name, MetaErr: fs.ErrNotExist, fs: fsys, dir: dir}
		}
		if known, err := q.add(entry, rest); err != nil {
			return nil, err
		} else if known {
			byName[name] = q
		}
	}
	queues := make([]*Queue, 0, len(byName))
	for _, q := range byName {
		sort.SliceStable(q.Data, func(i, j int) bool { return q.Data[i].Number < q.Data[j].Number })
		queues = append(queues, q)
	}
	sort.Slice(queues, func(i, j int) bool { return queues[i].Name < queues[j].Name })
	return queues, nil
}

// split parts the name of a queue from the rest of a file's name.
func split(entry string) (queue, rest string, ok bool) {
	i := strings.LastIndex(entry, infix)
	if i <= 0 {
		return "", "", false
	}
	return entry[:i], entry[i+len(infix):], true
}

// IsFile tells whether a file's name looks like one of upstream's disk queues.
func IsFile(name string) bool {
	_, _, ok := split(name)
	return ok
}

// add takes a file in, if it is one of a queue.
func (q *Queue) add(entry, rest string) (known bool, err error) {
	if rest == metaSuffix {
		return true, q.readMeta(entry)
	}
	if strings.HasPrefix(rest, metaSuffix+".") && strings.HasSuffix(rest, tempSuffix) {
		q.Litter = append(q.Litter, entry)
		return true, nil
	}
	rest, bad := strings.CutSuffix(rest, badSuffix)
	digits, ok := strings.CutSuffix(rest, dataSuffix)
	if !ok || len(digits) < minDigits {
		return false, nil
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return false, nil //nolint:nilerr // not a number: not one of upstream's files
	}
	q.Data = append(q.Data, DataFile{Name: entry, Number: int64(n), Bad: bad})
	return true, nil
}

// Files returns the names of the queue's files: all that Read reads, what it
// need not read, and the metadata.
func (q *Queue) Files(salvage bool) []string {
	names := append([]string(nil), q.Litter...)
	if !errors.Is(q.MetaErr, fs.ErrNotExist) {
		names = append(names, q.Name+infix+metaSuffix)
	}
	for _, f := range q.Data {
		if !f.Bad || salvage {
			names = append(names, f.Name)
		}
	}
	return names
}

// Consumed returns the names of data files that upstream has read and not removed.
func (q *Queue) Consumed() (names []string) {
	for _, f := range q.Data {
		if !f.Bad && f.Number < q.Meta.Read.File {
			names = append(names, f.Name)
		}
	}
	return names
}

// readMeta fills in what the metadata file says.
func (q *Queue) readMeta(entry string) (err error) {
	f, err := q.fs.OpenFile(path.Join(q.dir, entry))
	if err != nil {
		return err
	}
	defer f.Close()
	p := make([]byte, maxMeta)
	n, err := f.ReadAt(p, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	q.Meta, q.MetaErr = parseMeta(string(p[:n]))
	return nil
}

// parseMeta reads the three lines. Lines may end in CR LF, the last one as it likes.
func parseMeta(text string) (m Metadata, err error) {
	lines := strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
	if len(lines) < 3 {
		return Metadata{}, ErrMetadata
	}
	var errs [3]error
	m.Depth, errs[0] = strconv.ParseInt(lines[0], 10, 64)
	m.Read, errs[1] = parsePosition(lines[1])
	m.Write, errs[2] = parsePosition(lines[2])
	if errors.Join(errs[:]...) != nil {
		return Metadata{}, ErrMetadata
	}
	return m, nil
}

func parsePosition(line string) (Position, error) {
	file, pos, _ := strings.Cut(line, ",")
	f, err1 := strconv.ParseUint(file, 10, 63)
	p, err2 := strconv.ParseUint(pos, 10, 63)
	return Position{int64(f), int64(p)}, errors.Join(err1, err2)
}
