package socket

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestOutput writes to a pipe more than fits in, and to a file, which does not tell
// what fits: all of it arrives, in order.
func TestOutput(t *testing.T) {
	text := bytes.Repeat([]byte("a line of the log\n"), 100_000)
	lines := func(w io.Writer) {
		for rest := text; len(rest) > 0; {
			n := min(len(rest), 1000)
			if done, err := w.Write(rest[:n]); done != n || err != nil {
				t.Errorf("%d bytes of %d, %v", done, n, err)
				return
			}
			rest = rest[n:]
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		lines(NewOutput(w))
		w.Close()
	}()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, text) {
		t.Errorf("pipe: %d bytes, %v", len(got), err)
	}
	r.Close()

	path := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	lines(NewOutput(f))
	f.Close()
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, text) {
		t.Errorf("file: %d bytes, %v", len(got), err)
	}
	if n, err := NewOutput(f).Write(text); n != 0 || err == nil {
		t.Errorf("closed file: %d bytes, %v", n, err)
	}
}
