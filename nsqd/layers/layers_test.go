package layers

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"testing"

	"github.com/golang/snappy"
)

// flusher is a library's compressing writer.
type flusher interface {
	io.Writer
	Flush() error
}

// kinds are the compressions: how ours begins, and a library's reader and writer for the other end.
var kinds = []struct {
	name   string
	start  func(*Conn)
	reader func(io.Reader) io.Reader
	writer func(io.Writer) flusher
}{
	{"snappy", (*Conn).StartSnappy,
		func(r io.Reader) io.Reader { return snappy.NewReader(r) },
		func(w io.Writer) flusher { return snappy.NewBufferedWriter(w) }},
	{"deflate 1", func(c *Conn) { c.StartDeflate(1) }, deflateReader, deflateWriter},
	{"deflate 6", func(c *Conn) { c.StartDeflate(6) }, deflateReader, deflateWriter},
	{"deflate 9", func(c *Conn) { c.StartDeflate(9) }, deflateReader, deflateWriter},
}

func deflateReader(r io.Reader) io.Reader { return flate.NewReader(r) }

func deflateWriter(w io.Writer) flusher {
	f, err := flate.NewWriter(w, 9)
	if err != nil {
		panic(err)
	}
	return f
}

// texts are what is written at once: small and large, compressible or not.
func texts() [][]byte {
	dice := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 200_000)
	for i := range noise {
		noise[i] = byte(dice.Uint32())
	}
	var list [][]byte
	for _, n := range []int{1, 10, 500, 511, 512, 513, 65535, 65536, 65537, 200_000} {
		list = append(list, noise[:n], bytes.Repeat([]byte("abcdefg"), n/7+1))
	}
	return list
}

// TestNothingIsHeldBack writes one text after another: the other end, which is a
// library's, can read each at once, before the next is written. Between them the
// connection rests.
func TestNothingIsHeldBack(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			a, b := net.Pipe()
			defer a.Close()
			defer b.Close()
			ours := New(a)
			kind.start(ours)
			theirs := kind.reader(b)
			for i, text := range texts() {
				go func() {
					half := len(text) / 2
					if _, err := ours.WriteBuffers(&net.Buffers{text[:half], text[half:]}); err != nil {
						t.Error(err)
					}
				}()
				got := make([]byte, len(text))
				if _, err := io.ReadFull(theirs, got); err != nil || !bytes.Equal(got, text) {
					t.Fatalf("text %d: %v, or another one", i, err)
				}
				if i%3 == 0 {
					done := make(chan struct{})
					go func() {
						io.ReadFull(theirs, got[:1]) //nolint:errcheck // the next text tells
						close(done)
					}()
					ours.Write([]byte("-")) //nolint:errcheck // likewise
					<-done
					ours.Rest()
					ours.Rest()
				}
			}
		})
	}
}

// TestReadsAtOnce has a library write and flush: what it wrote can be read before more comes.
func TestReadsAtOnce(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			a, b := net.Pipe()
			defer a.Close()
			defer b.Close()
			ours := New(a)
			kind.start(ours)
			theirs := kind.writer(b)
			queue := make(chan []byte, 1)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for text := range queue {
					theirs.Write(text) //nolint:errcheck // what is read tells
					theirs.Flush()     //nolint:errcheck // likewise
				}
			}()
			for i, text := range texts() {
				queue <- text
				got := make([]byte, len(text))
				if _, err := io.ReadFull(ours, got); err != nil || !bytes.Equal(got, text) {
					t.Fatalf("text %d: %v, or another one", i, err)
				}
			}
			close(queue)
			b.Close()
			<-done
			if _, err := ours.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("at the end: %v", err)
			}
		})
	}
}

// TestFirstBytes holds the beginning of a snappy stream as clients have always seen it.
func TestFirstBytes(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	ours := New(a)
	ours.StartSnappy()
	go func() {
		ours.Write([]byte("\x00\x00\x00\x06\x00\x00\x00\x00OK")) //nolint:errcheck // what is read tells
		a.Close()
	}()
	got, err := io.ReadAll(b)
	want := "ff060000734e61507059010e0000" + hex.EncodeToString(got[14:18]) + "00000006000000004f4b"
	if err != nil || hex.EncodeToString(got) != want {
		t.Errorf("%x, %v, want %s", got, err, want)
	}
}

// TestIdleMemory holds what a connection costs that has been used and rests.
func TestIdleMemory(t *testing.T) {
	const n = 200
	for i, most := range []int{16 << 10, 64 << 10, 64 << 10, 64 << 10} {
		kind := kinds[i]
		var conns []*Conn
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range n {
			a, b := net.Pipe()
			c := New(a)
			kind.start(c)
			go io.Copy(io.Discard, b)      //nolint:errcheck // ends with the pipe
			c.Write(make([]byte, 1000))    //nolint:errcheck // it is a pipe
			c.Write([]byte("_heartbeat_")) //nolint:errcheck // likewise
			c.Rest()
			c.Write([]byte("_heartbeat_")) //nolint:errcheck // likewise
			c.Rest()
			conns = append(conns, c)
		}
		runtime.GC()
		runtime.GC() // the first one keeps what is in pools
		runtime.ReadMemStats(&after)
		each := (int(after.HeapAlloc) - int(before.HeapAlloc)) / n
		t.Logf("%s: %d bytes", kind.name, each)
		if each > most {
			t.Errorf("%s: %d bytes a connection, at most %d", kind.name, each, most)
		}
		for _, c := range conns {
			c.Close()
		}
	}
}

func TestBadSnappy(t *testing.T) {
	ok := "\xff\x06\x00\x00sNaPpY"
	for name, text := range map[string]string{
		"no name":            "\x01\x05\x00\x00\x00\x00\x00\x00x",
		"another name":       "\xff\x06\x00\x00sNaPpX",
		"long name":          "\xff\x07\x00\x00sNaPpYY",
		"unknown chunk":      ok + "\x02\x01\x00\x00x",
		"too short":          ok + "\x01\x03\x00\x00abc",
		"too long":           ok + "\x01\x05\x00\x01" + "abcdefgh",
		"far too long":       ok + "\x00\xff\xff\xff" + "abcdefgh",
		"wrong checksum":     ok + "\x01\x05\x00\x00\x00\x00\x00\x00x",
		"does not decode":    ok + "\x00\x06\x00\x00\x00\x00\x00\x00\x05\xff",
		"claims to be large": ok + "\x00\x09\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\x0f",
	} {
		r := New(fixed{Reader: bytes.NewReader([]byte(text))})
		r.StartSnappy()
		if n, err := r.Read(make([]byte, 100)); !errors.Is(err, errSnappy) {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
	for _, text := range []string{ok[:3], ok[:7], ok + "\x01", ok + "\x01\x05\x00\x00\x00\x00", ok + "\x01\x09\x00\x00\x00\x00\x00\x00x", ok + "\x80\x05\x00\x00\x00"} {
		r := New(fixed{Reader: bytes.NewReader([]byte(text))})
		r.StartSnappy()
		if _, err := io.ReadAll(r); err == nil {
			t.Errorf("%q ends well", text)
		}
	}
}

// fixed is a connection from which a text can be read.
type fixed struct {
	net.Conn
	io.Reader
}

func (f fixed) Read(p []byte) (int, error) { return f.Reader.Read(p) }

// FuzzSnappy holds that ours and the library's reader say the same of any input.
func FuzzSnappy(f *testing.F) {
	var good bytes.Buffer
	w := snappy.NewBufferedWriter(&good)
	fmt.Fprint(w, "hello hello hello hello hello hello")
	w.Close() //nolint:errcheck // a buffer does not fail
	f.Add(good.Bytes())
	f.Add([]byte("\xff\x06\x00\x00sNaPpY\x80\x02\x00\x00ab\xff\x06\x00\x00sNaPpY"))
	f.Fuzz(func(t *testing.T, input []byte) {
		ours := New(fixed{Reader: bytes.NewReader(input)})
		ours.StartSnappy()
		got, err := io.ReadAll(ours)
		want, theirErr := io.ReadAll(snappy.NewReader(bytes.NewReader(input)))
		if !bytes.Equal(got, want) || (err == nil) != (theirErr == nil) {
			t.Fatalf("%q: %q, %v, the library says %q, %v", input, got, err, want, theirErr)
		}
	})
}

// FuzzDeflate holds that no input makes the reader fail in another way than by an error.
func FuzzDeflate(f *testing.F) {
	f.Add([]byte("\x4a\x4c\x04\x04\x00\x00\xff\xff"))
	f.Add([]byte("$A2V=00\x1e\x1e000000000")) // breaks in its first block
	f.Fuzz(func(t *testing.T, input []byte) {
		ours := New(fixed{Reader: bytes.NewReader(input)})
		ours.StartDeflate(6)
		got, _ := io.ReadAll(io.LimitReader(ours, 1<<20))
		want, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(input)), 1<<20))
		// Of a stream that breaks we have what came before, which the library may still hold back.
		if !bytes.HasPrefix(got, want) || err == nil && len(got) > len(want) {
			t.Fatalf("%q: %q, the library says %q", input, got, want)
		}
	})
}
