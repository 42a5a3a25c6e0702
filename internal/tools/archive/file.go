package archive

import "compress/gzip"

// bufferSize is from how many bytes on what was written goes to the system.
const bufferSize = 64 << 10

// file is the open file of a topic.
type file struct {
	name   string
	disk   diskFile
	buffer buffer
	gzip   *gzip.Writer // nil without compression
	member bool         // a gzip member is begun
	fresh  bool         // no member was ever begun
	size   int64        // bytes, before compression
}

// buffer holds what is to be written. It goes out in whole lines, so that they
// stay whole if another process appends to the same file.
type buffer struct{ bytes []byte }

// Write is io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}

func newFile(name string, d diskFile, gzipLevel int) (*file, error) {
	size, torn, err := d.state()
	if err != nil {
		return nil, err
	}
	f := &file{name: name, disk: d, fresh: true, size: size}
	if gzipLevel > 0 {
		f.gzip, err = gzip.NewWriterLevel(&f.buffer, gzipLevel)
		return f, err
	}
	if torn {
		f.size++
		f.buffer.bytes = append(f.buffer.bytes, '\n')
	}
	return f, nil
}

// writeLine adds a body and a newline.
func (f *file) writeLine(body []byte) error {
	f.size += int64(len(body)) + 1
	if f.gzip == nil {
		f.buffer.bytes = append(append(f.buffer.bytes, body...), '\n')
		return f.spill(bufferSize)
	}
	f.begin()
	if _, err := f.gzip.Write(body); err != nil {
		return err
	}
	if _, err := f.gzip.Write([]byte{'\n'}); err != nil {
		return err
	}
	return f.spill(bufferSize)
}

// spill writes the buffer, if it has at least so many bytes.
func (f *file) spill(least int) error {
	if len(f.buffer.bytes) < least {
		return nil
	}
	_, err := f.disk.Write(f.buffer.bytes)
	f.buffer.bytes = f.buffer.bytes[:0]
	if cap(f.buffer.bytes) > 4*bufferSize {
		f.buffer.bytes = nil // a huge message was in it
	}
	return err
}

func (f *file) begin() {
	if !f.member {
		f.gzip.Reset(&f.buffer)
		f.member, f.fresh = true, false
	}
}

// sync puts everything written on the disk.
func (f *file) sync() error {
	if f.member {
		f.member = false
		if err := f.gzip.Close(); err != nil {
			return err
		}
	}
	if err := f.spill(1); err != nil {
		return err
	}
	return f.disk.Sync()
}

// close syncs and closes. Zero bytes are no gzip file, so one without messages
// gets an empty member.
func (f *file) close() error {
	if f.gzip != nil && f.fresh {
		f.begin()
	}
	if err := f.sync(); err != nil {
		f.disk.Close()
		return err
	}
	return f.disk.Close()
}
