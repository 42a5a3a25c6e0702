package archive

import (
	"bufio"
	"compress/gzip"
)

const bufferSize = 64 << 10

// file is the open file of a topic.
type file struct {
	name   string
	disk   diskFile
	buffer *bufio.Writer
	gzip   *gzip.Writer // nil without compression
	member bool         // a gzip member is begun
	fresh  bool         // no member was ever begun
	size   int64        // bytes, before compression
}

func newFile(name string, d diskFile, gzipLevel int) (*file, error) {
	size, torn, err := d.state()
	if err != nil {
		return nil, err
	}
	f := &file{name: name, disk: d, buffer: bufio.NewWriterSize(d, bufferSize), fresh: true, size: size}
	if gzipLevel > 0 {
		f.gzip, err = gzip.NewWriterLevel(f.buffer, gzipLevel)
		return f, err
	}
	if torn {
		f.size++
		err = f.buffer.WriteByte('\n')
	}
	return f, err
}

// writeLine adds a body and a newline.
func (f *file) writeLine(body []byte) error {
	f.size += int64(len(body)) + 1
	if f.gzip == nil {
		f.buffer.Write(body) //nolint:errcheck // a bufio.Writer's error stays
		return f.buffer.WriteByte('\n')
	}
	f.begin()
	if _, err := f.gzip.Write(body); err != nil {
		return err
	}
	_, err := f.gzip.Write([]byte{'\n'})
	return err
}

func (f *file) begin() {
	if !f.member {
		f.gzip.Reset(f.buffer)
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
	if err := f.buffer.Flush(); err != nil {
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
