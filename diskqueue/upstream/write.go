package upstream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"path"

	"nsqsuite/internal/vfs"
)

// ErrTooLarge is returned for payloads whose length the format cannot tell.
var ErrTooLarge = errors.New("record is too large")

// Writer writes a queue as upstream leaves one that it has closed in order.
type Writer struct {
	fs           vfs.FS
	dir, name    string
	maxFileBytes int64

	file    vfs.File // nil if there is none yet
	at      Position // where the next record goes
	depth   int64
	pending []byte // the last bytes of the file, not written yet
	err     error  // what went wrong first
}

// NewWriter returns a writer for a queue that has no files in dir yet. A file
// ends before the record that would make it larger than maxFileBytes.
func NewWriter(fsys vfs.FS, dir, name string, maxFileBytes int64) *Writer {
	return &Writer{fs: fsys, dir: dir, name: name, maxFileBytes: maxFileBytes}
}

// Write appends one record. After an error nothing more is written, and Close returns it too.
func (w *Writer) Write(payload []byte) error {
	if w.err == nil {
		w.err = w.write(payload)
	}
	return w.err
}

func (w *Writer) write(payload []byte) error {
	if len(payload) > math.MaxInt32 {
		return ErrTooLarge
	}
	size := int64(lengthSize + len(payload))
	if w.at.Pos > 0 && w.at.Pos+size > w.maxFileBytes {
		if err := w.finishFile(); err != nil {
			return err
		}
		w.at = Position{File: w.at.File + 1}
	}
	if w.file == nil {
		var err error
		name := fmt.Sprintf("%s%s%06d%s", w.name, infix, w.at.File, dataSuffix)
		if w.file, err = w.fs.Create(path.Join(w.dir, name)); err != nil {
			return err
		}
	}
	w.pending = binary.BigEndian.AppendUint32(w.pending, uint32(len(payload)))
	w.pending = append(w.pending, payload...)
	w.at.Pos += size
	w.depth++
	if len(w.pending) >= window {
		return w.flush()
	}
	return nil
}

func (w *Writer) flush() error {
	_, err := w.file.WriteVecAt(w.at.Pos-int64(len(w.pending)), w.pending)
	w.pending = w.pending[:0]
	return err
}

// finishFile puts the file on the disk and closes it.
func (w *Writer) finishFile() error {
	f, err := w.file, w.err
	if f == nil {
		return err
	}
	if err == nil {
		err = w.flush()
	}
	if err == nil {
		err = f.Sync()
	}
	w.file = nil
	return errors.Join(err, f.Close())
}

// Close puts the queue's files on the disk, the metadata as the last. Their
// names are there for sure when the owner has synced the folder.
func (w *Writer) Close() error {
	if err := w.finishFile(); err != nil {
		return err
	}
	meta := Metadata{Depth: w.depth, Write: w.at}
	name := path.Join(w.dir, w.name+infix+metaSuffix)
	temp := name + ".new" + tempSuffix
	f, err := w.fs.Create(temp)
	if err != nil {
		return err
	}
	_, err = f.WriteVecAt(0, []byte(meta.String()))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return w.fs.Rename(temp, name)
}
