package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"
)

// logf writes a line about a topic.
type logf func(format string, args ...any)

// writer writes the lines of one topic to one file after the other. Any error is
// final: what was not synced before it is not known to be on the disk.
type writer struct {
	o          *Options
	disk       disk
	namer      *namer
	info, warn logf

	file   *file // nil if none is open
	opened time.Time
	base   string // of the newest file: its name with the revision open
	rev    int
}

// rotate closes the open file if its time has come, and tells whether it did.
func (w *writer) rotate(now time.Time) (closed bool, err error) {
	if w.file == nil {
		return false, nil
	}
	age := now.Sub(w.opened)
	switch next := w.namer.at(now); {
	case next != w.base:
		w.info("new filename %s, rotating...", w.namer.revision(next, 0))
	case w.o.RotateInterval > 0 && age > w.o.RotateInterval:
		w.info("%s since last open, rotating...", age)
	case w.tooLarge():
		w.info("%s currently %d bytes (> %d), rotating...", w.file.name, w.file.size, w.o.RotateSize)
	default:
		return false, nil
	}
	return true, w.close()
}

func (w *writer) tooLarge() bool { return w.o.RotateSize > 0 && w.file.size > w.o.RotateSize }

// write adds a line, to a new file if none is open.
func (w *writer) write(now time.Time, body []byte) error {
	if w.file == nil {
		if err := w.open(now); err != nil {
			return err
		}
	}
	return w.file.writeLine(body)
}

// sync puts everything written on the disk.
func (w *writer) sync() error {
	if w.file == nil {
		return nil // closed, and therefore synced
	}
	return w.file.sync()
}

// open opens the file of a time (tools.md 6.4).
func (w *writer) open(now time.Time) error {
	if base := w.namer.at(now); base == w.base {
		w.rev++
	} else {
		w.base, w.rev = base, 0
	}
	w.opened = now
	for ; ; w.rev++ {
		relative := w.namer.revision(w.base, w.rev)
		if taken, err := w.finished(relative); err != nil {
			return err
		} else if taken {
			continue
		}
		name := filepath.Join(w.o.workDir(), relative)
		d, err := w.openDisk(name)
		if errors.Is(err, fs.ErrExist) {
			w.warn("working file already exists: %s", name)
			continue
		}
		if err != nil {
			return err
		}
		if w.o.revises() && !d.lock() {
			w.warn("working file is in use: %s", name)
			d.Close()
			continue
		}
		w.info("opening %s", name)
		level := 0
		if w.o.Gzip {
			level = w.o.GzipLevel
		}
		if w.file, err = newFile(name, d, level); err != nil {
			return err
		}
		if !w.tooLarge() {
			return nil
		}
		w.info("%s currently %d bytes (> %d), rotating...", name, w.file.size, w.o.RotateSize)
		w.file = nil // it is somebody else's: nothing is written to it, and it stays where it is
		if err := d.Close(); err != nil {
			return err
		}
	}
}

// finished tells whether the output folder, if it is another one, has this file.
func (w *writer) finished(relative string) (bool, error) {
	if !w.o.moves() {
		return false, nil
	}
	name := filepath.Join(w.o.OutputDir, relative)
	exists, err := w.disk.exists(name)
	if exists {
		w.warn("output file already exists: %s", name)
	}
	return exists, err
}

func (w *writer) openDisk(name string) (diskFile, error) {
	if w.o.exclusive() {
		return w.disk.create(name)
	}
	return w.disk.append(name)
}

// close closes the open file, if there is one, and moves it to its place.
func (w *writer) close() error {
	f := w.file
	if f == nil {
		return nil
	}
	w.file = nil
	if err := f.close(); err != nil {
		return err
	}
	if !w.o.moves() {
		return nil
	}
	return w.move(f.name)
}

// move moves a closed file to the output folder, under the first revision from
// its own on that is free.
func (w *writer) move(name string) error {
	for first := w.rev; ; w.rev++ {
		to := filepath.Join(w.o.OutputDir, w.namer.revision(w.base, w.rev))
		if w.rev == first {
			w.info("moving finished file %s to %s", name, to)
		}
		err := w.disk.move(name, to)
		switch {
		case errors.Is(err, fs.ErrExist):
			w.warn("destination file already exists: %s", to)
			continue
		case errors.Is(err, syscall.EXDEV):
			return fmt.Errorf("%w: --work-dir and --output-dir must be on one file system", err)
		case err == nil && w.rev != first:
			w.info("renamed finished file %s to %s to avoid overwrite", name, to)
		}
		return err
	}
}
