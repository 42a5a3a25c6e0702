package upstream

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"path"

	"nsqsuite/internal/vfs"
)

const (
	lengthSize = 4
	// MinPayload is the length of the smallest payload, a message without a body.
	MinPayload = 26
	// MaxPayload is the length of the largest payload that is read. Whatever a
	// length says, no more memory is asked for than the file has bytes left.
	MaxPayload = 512 << 20
	// window is how many bytes are read from a file at a time.
	window = 256 << 10
)

// Found tells what was read of a queue.
type Found struct {
	Messages int64
	Bytes    int64    // of payloads
	Places   int64    // that are damaged …
	Damaged  []Damage // … of which these are the first, at most maxDamaged
}

// maxDamaged is how many damaged places are told of one by one.
const maxDamaged = 20

func (f *Found) damaged(d Damage) {
	f.Places++
	if len(f.Damaged) < maxDamaged {
		f.Damaged = append(f.Damaged, d)
	}
}

// Damage is a place where something is missing or makes no sense.
type Damage struct {
	File     string
	Pos, Len int64 // which bytes were passed over
	Why      string
}

// String returns it as one sentence.
func (d Damage) String() string {
	return fmt.Sprintf("%s: %d bytes at %d: %s", d.File, d.Len, d.Pos, d.Why)
}

// Read gives every unread record to take, oldest first. A payload is valid only
// during the call. The error is take's, or says that the disk does not answer;
// damage is no error.
func (q *Queue) Read(salvage bool, take func(payload []byte) error) (Found, error) {
	r := reader{salvage: salvage, take: take}
	for _, f := range q.unread(salvage, &r.found) {
		if err := r.readFile(q, f); err != nil {
			return r.found, fmt.Errorf("reading %s: %w", path.Join(q.dir, f.name), err)
		}
	}
	return r.found, nil
}

// Empty tells whether there is nothing to read, as far as sizes can tell.
func (q *Queue) Empty(salvage bool) (bool, error) {
	var found Found
	for _, f := range q.unread(salvage, &found) {
		size, err := q.size(f.name)
		if err != nil || size > f.from || size < f.least {
			return false, err
		}
	}
	return found.Places == 0, nil
}

func (q *Queue) size(name string) (int64, error) {
	f, err := q.fs.OpenFile(path.Join(q.dir, name))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.Size()
}

// part is a file of which something is unread.
type part struct {
	name  string
	from  int64
	least int64 // the metadata know of this many bytes
}

// unread returns the files to read, in order, and notes those that are missing.
func (q *Queue) unread(salvage bool, found *Found) (parts []part) {
	at, known := q.Meta.Read, q.MetaErr == nil
	next := at.File // the number that the next file should have
	missing := func(below int64) {
		if known && next < below {
			name := fmt.Sprintf("%s%s%06d%s", q.Name, infix, next, dataSuffix)
			why := "the file is missing"
			if below-next > 1 {
				why = fmt.Sprintf("the file is missing, and those up to number %d", below-1)
			}
			found.damaged(Damage{File: name, Why: why})
		}
	}
	for _, f := range q.Data {
		if f.Bad {
			if salvage {
				parts = append(parts, part{name: f.Name})
			}
			continue
		}
		if f.Number < at.File {
			continue
		}
		missing(min(f.Number, q.Meta.Write.File))
		p := part{name: f.Name}
		if f.Number == at.File {
			p.from, p.least = at.Pos, at.Pos
		}
		if f.Number == q.Meta.Write.File {
			p.least = max(p.least, q.Meta.Write.Pos)
		}
		parts = append(parts, p)
		next = f.Number + 1
	}
	missing(q.Meta.Write.File)
	return parts
}

// reader is a Read.
type reader struct {
	salvage bool
	take    func([]byte) error
	found   Found
	payload []byte // for records that are not larger than a window
}

func (r *reader) damaged(f part, pos, to int64, why string) {
	r.found.damaged(Damage{File: f.name, Pos: pos, Len: to - pos, Why: why})
}

func (r *reader) readFile(q *Queue, f part) (err error) {
	file, err := q.fs.OpenFile(path.Join(q.dir, f.name))
	if err != nil {
		return err
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return err
	}
	for pos := f.from; pos < size; {
		at, why, err := r.records(file, pos, size)
		if err != nil {
			return err
		}
		pos = size
		if why == "" {
			break
		}
		if r.salvage {
			if pos, err = resume(file, at+1, size); err != nil {
				return err
			}
		}
		r.damaged(f, at, pos, why)
	}
	if size < f.least {
		r.damaged(f, size, f.least, "the file is shorter than the metadata say")
	}
	return nil
}

// records reads from pos on up to the file's end, or to a record that cannot be:
// then why says what is wrong with the one at pos.
func (r *reader) records(file vfs.File, from, size int64) (pos int64, why string, err error) {
	in := bufio.NewReaderSize(io.NewSectionReader(file, from, size-from), int(min(window, size-from)))
	for pos = from; pos < size; {
		if size-pos < lengthSize {
			return pos, "a record is cut short", nil
		}
		var head [lengthSize]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return pos, "", err
		}
		n := int64(int32(binary.BigEndian.Uint32(head[:])))
		if n < MinPayload || n > MaxPayload {
			return pos, fmt.Sprintf("a record of %d bytes cannot be", n), nil
		}
		if n > size-pos-lengthSize {
			return pos, "a record is cut short", nil
		}
		p := r.room(n)
		if _, err := io.ReadFull(in, p); err != nil {
			return pos, "", err
		}
		if err := r.take(p); err != nil {
			return pos, "", err
		}
		r.found.Messages++
		r.found.Bytes += n
		pos += lengthSize + n
	}
	return pos, "", nil
}

func (r *reader) room(n int64) []byte {
	if n > window {
		return make([]byte, n)
	}
	if r.payload == nil {
		r.payload = make([]byte, window)
	}
	return r.payload[:n]
}
