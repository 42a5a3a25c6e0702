package socket

import (
	"os"
	"sync/atomic"
)

// Output writes to a file, as one that a log goes to: without a word to the
// scheduler what a pipe has room for, and the rest as ever. It is safe for concurrent use.
type Output struct {
	file  *os.File
	plain atomic.Bool // the file does not tell whether a write would wait
}

// NewOutput returns the output to a file.
func NewOutput(f *os.File) *Output { return &Output{file: f} }

// Write is io.Writer.
func (o *Output) Write(p []byte) (n int, err error) {
	if !o.plain.Load() && len(p) > 0 {
		if n, err = tryWrite(o.file, p); n == len(p) {
			return n, nil
		}
		o.plain.Store(err != nil)
	}
	more, err := o.file.Write(p[n:])
	return n + more, err
}
