package takeover

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// This reader is written from protocol.md 1.4, 16 and 18.4 alone, and shares
// nothing with ours: what it reads upstream reads.

var (
	theirMeta = regexp.MustCompile(`^(0|[1-9][0-9]*)\n(0|[1-9][0-9]*),(0|[1-9][0-9]*)\n(0|[1-9][0-9]*),(0|[1-9][0-9]*)\n$`)
	theirID   = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

// theirQueues reads all queues in files as upstream does at its start, and fails
// for whatever upstream would not have written itself when it closed them.
func theirQueues(t *testing.T, files map[string]string, maxFileBytes int64) map[string][]string {
	t.Helper()
	queues := map[string][]string{}
	rest := map[string]string{}
	for name, text := range files {
		rest[name] = text
	}
	for name := range files {
		queue, ok := strings.CutSuffix(name, ".diskqueue.meta.dat")
		if !ok {
			continue
		}
		queues[queue] = theirQueue(t, queue, rest, maxFileBytes)
		delete(rest, name)
	}
	for name := range rest {
		t.Errorf("%s: upstream never looks at it", name)
	}
	return queues
}

// theirQueue reads one, and takes its data files out of files.
func theirQueue(t *testing.T, queue string, files map[string]string, maxFileBytes int64) (messages []string) {
	t.Helper()
	found := theirMeta.FindStringSubmatch(files[queue+".diskqueue.meta.dat"])
	if found == nil {
		t.Fatalf("%s: metadata %q", queue, files[queue+".diskqueue.meta.dat"])
	}
	var n [5]int64 // depth, read file and position, write file and position
	for i := range n {
		n[i], _ = strconv.ParseInt(found[i+1], 10, 64)
	}
	readFile, readPos, writeFile, writePos := n[1], n[2], n[3], n[4]
	for ; readFile <= writeFile; readFile, readPos = readFile+1, 0 {
		name := fmt.Sprintf("%s.diskqueue.%06d.dat", queue, readFile)
		text, ok := files[name]
		delete(files, name)
		if !ok && (readFile < writeFile || writePos > 0) {
			t.Fatalf("%s is missing", name)
		}
		end := int64(len(text))
		if readFile == writeFile && end != writePos {
			t.Errorf("%s has %d bytes, the writer stands at %d", name, end, writePos)
		}
		records := 0
		for at := readPos; at < end; records++ {
			if end-at < 4 {
				t.Fatalf("%s: %d bytes at the end", name, end-at)
			}
			size := int64(binary.BigEndian.Uint32([]byte(text[at:])))
			if size < 26 || size > 1<<20+26 || at+4+size > end {
				t.Fatalf("%s: a record of %d bytes at %d of %d", name, size, at, end)
			}
			record := text[at+4 : at+4+size]
			if !theirID.MatchString(record[10:26]) {
				t.Errorf("%s: a message's ID is %q", name, record[10:26])
			}
			messages = append(messages, fmt.Sprintf("%d/%d/%s",
				int64(binary.BigEndian.Uint64([]byte(record))), binary.BigEndian.Uint16([]byte(record[8:])), record[26:]))
			at += 4 + size
		}
		if end > maxFileBytes && records > 1 {
			t.Errorf("%s has %d bytes, at most %d are right", name, end, maxFileBytes)
		}
	}
	if int64(len(messages)) != n[0] {
		t.Errorf("%s: %d messages, and a depth of %d", queue, len(messages), n[0])
	}
	return messages
}
