package archive

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// recover moves to the output folder what a process that died has left of the
// topic in the work folder. It comes before the first file is opened.
func (w *writer) recover() error {
	if !w.o.moves() {
		return nil
	}
	pattern := w.namer.pattern()
	err := filepath.WalkDir(w.o.WorkDir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // what cannot be looked into is not ours
		}
		if d.IsDir() && name == filepath.Clean(w.o.OutputDir) {
			return fs.SkipDir
		}
		relative, err := filepath.Rel(w.o.WorkDir, name)
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rev := pattern.FindStringSubmatchIndex(relative)
		if rev == nil {
			return nil
		}
		w.base = relative[:rev[2]-1] + "<REV>" + relative[rev[3]:]
		if w.rev, err = strconv.Atoi(relative[rev[2]:rev[3]]); err != nil {
			return err
		}
		return w.moveLeftover(name)
	})
	w.base, w.rev = "", 0
	return err
}

// moveLeftover makes a file whole and moves it, unless a process has it open.
func (w *writer) moveLeftover(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			w.warn("working file stays where it is: %s", err)
		}
		return nil
	}
	defer f.Close() // and with it goes the lock
	if !(osFile{f}).lock() {
		return nil
	}
	switch whole, err := w.mend(f); {
	case err != nil:
		return fmt.Errorf("mending %s: %w", name, err)
	case !whole:
		w.warn("damaged working file stays where it is: %s", name)
		return nil
	}
	w.info("found working file of a process that died: %s", name)
	if info, err := f.Stat(); err != nil {
		return err
	} else if w.o.Gzip && info.Size() == 0 { // it died before its first sync: no bytes are no gzip file
		return os.Remove(name)
	}
	return w.move(name)
}

// mend cuts off what is behind the last whole gzip member, or closes the last
// line. whole is false if the file is damaged elsewhere.
func (w *writer) mend(f *os.File) (whole bool, err error) {
	if !w.o.Gzip {
		_, torn, err := osFile{f}.state()
		if err == nil && torn {
			if _, err = f.Seek(0, io.SeekEnd); err == nil {
				_, err = f.WriteString("\n")
			}
		}
		return true, errors.Join(err, f.Sync())
	}
	length, err := wholeMembers(f)
	switch {
	case err == nil:
		return true, nil
	case !errors.Is(err, io.ErrUnexpectedEOF):
		return false, nil
	}
	return true, errors.Join(f.Truncate(length), f.Sync())
}

// wholeMembers returns the length of the whole gzip members at the beginning of a
// file. The error is io.ErrUnexpectedEOF if the file ends within the next one,
// and another if there is something else.
func wholeMembers(f io.Reader) (length int64, err error) {
	in := &counter{r: bufio.NewReaderSize(f, bufferSize)}
	var z gzip.Reader
	for {
		err := z.Reset(in)
		if errors.Is(err, io.EOF) {
			return length, nil
		}
		if err != nil {
			return length, err
		}
		z.Multistream(false)
		if _, err := io.Copy(io.Discard, &z); err != nil {
			return length, err
		}
		length = in.n
	}
}

// counter counts what is read. As an io.ByteReader it has gzip read no further
// than a member goes.
type counter struct {
	r *bufio.Reader
	n int64
}

// Read is io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// ReadByte is io.ByteReader.
func (c *counter) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}
