package archive

import (
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// noon is the tests' first moment.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// book is a writer in folders of its own, and what is in them.
type book struct {
	*writer
	t        *testing.T
	now      time.Time
	warnings []string
}

// open returns the book of a topic t whose files are named t<REV>.<hour><minute>.
func openBook(t *testing.T, change func(*Options)) *book {
	t.Helper()
	o := NewOptions()
	o.OutputDir, o.FilenameFormat, o.DatetimeFormat = t.TempDir(), "<TOPIC><REV>.<DATETIME>", "%H%M"
	change(o)
	return reopenBook(t, o)
}

func reopenBook(t *testing.T, o *Options) *book {
	t.Helper()
	namer, err := newNamer(o, "t")
	if err != nil {
		t.Fatal(err)
	}
	b := &book{t: t, now: noon}
	b.writer = &writer{o: o, disk: osDisk{}, namer: namer, info: func(string, ...any) {},
		warn: func(format string, args ...any) { b.warnings = append(b.warnings, fmt.Sprintf(format, args...)) }}
	return b
}

// line writes a line after a while.
func (b *book) line(body string, after time.Duration) {
	b.t.Helper()
	b.now = b.now.Add(after)
	if _, err := b.rotate(b.now); err != nil {
		b.t.Fatal(err)
	}
	if err := b.write(b.now, []byte(body)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// want compares the files of a folder, unzipped, to "name:content" words in which
// | stands for the newline. It knows the work folder by its name.
func (b *book) want(dir string, files ...string) {
	b.t.Helper()
	var got []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		got = append(got, name+":"+strings.ReplaceAll(content(b.t, path), "\n", "|"))
		return nil
	})
	b.must(err)
	if strings.Join(got, " ") != strings.Join(files, " ") {
		b.t.Errorf("files %q, want %q", got, files)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestNewDateNewFile(t *testing.T) {
	b := openBook(t, func(*Options) {})
	b.line("a", 0)
	b.line("b", 59*time.Second)
	b.line("c", time.Second)
	b.must(b.close())
	b.line("d", 0) // closed, but the name is still right: the file goes on
	b.must(b.close())
	b.want(b.o.OutputDir, "t.1200:a|b|", "t.1201:c|d|")
}

func TestRotateBySize(t *testing.T) {
	b := openBook(t, func(o *Options) { o.RotateSize = 4 })
	for _, body := range []string{"aa", "b", "cc", "dd", ""} {
		b.line(body, 0) // a file exceeds the limit by at most one message
	}
	b.must(b.close())
	b.want(b.o.OutputDir, "t-000000.1200:aa|b|", "t-000001.1200:cc|dd|", "t-000002.1200:|")
	again := reopenBook(t, b.o)
	again.line("e", 0) // full ones are passed over, the last one is not full
	again.must(again.close())
	again.want(b.o.OutputDir, "t-000000.1200:aa|b|", "t-000001.1200:cc|dd|", "t-000002.1200:|e|")
}

func TestRotateByInterval(t *testing.T) {
	b := openBook(t, func(o *Options) { o.RotateInterval, o.DatetimeFormat = 10*time.Second, "x" })
	b.line("a", 0)
	b.line("b", 10*time.Second)
	b.line("c", time.Nanosecond)
	b.must(b.close())
	b.line("d", 0)
	b.must(b.close())
	again := reopenBook(t, b.o)
	again.line("e", 0)
	again.must(again.close())
	again.want(b.o.OutputDir, "t-000000.x:a|b|", "t-000001.x:c|", "t-000002.x:d|", "t-000003.x:e|")
	if len(again.warnings) != 3 || !strings.HasPrefix(again.warnings[0], "working file already exists: ") {
		t.Errorf("warnings %q", again.warnings)
	}
}

func TestGzip(t *testing.T) {
	for level := 1; level <= 9; level++ {
		b := openBook(t, func(o *Options) { o.Gzip, o.GzipLevel, o.RotateSize = true, level, 1000 })
		body := strings.Repeat("a", 1000)
		b.line("a", 0)
		b.must(b.sync())
		b.must(b.sync())
		b.line(body, 0)
		b.must(b.sync())
		b.want(b.o.OutputDir, "t-000000.1200.gz:a|"+body+"|") // readable while it is open
		b.line("c", 0)
		b.must(b.close())
		b.must(b.open(b.now)) // one without any message
		b.must(b.close())
		b.want(b.o.OutputDir, "t-000000.1200.gz:a|"+body+"|", "t-000001.1200.gz:c|", "t-000002.1200.gz:")
	}
}

func TestWorkFolder(t *testing.T) {
	b := openBook(t, func(o *Options) {
		o.WorkDir, o.FilenameFormat = t.TempDir(), "<TOPIC>/<DATETIME><REV>"
	})
	b.line("a", 0)
	b.must(b.sync())
	b.want(b.o.WorkDir, "t/1200-000000:a|")
	b.want(b.o.OutputDir)
	b.must(b.close())
	b.line("b", 0) // after a close there is a next file
	b.line("c", time.Minute)
	b.want(b.o.WorkDir, "t/1201-000000:")
	b.want(b.o.OutputDir, "t/1200-000000:a|", "t/1200-000001:b|")
	// Somebody takes the file's place while it is written.
	b.must(os.WriteFile(filepath.Join(b.o.OutputDir, "t/1201-000000"), []byte("x"), 0o600))
	b.must(b.close())
	b.want(b.o.WorkDir)
	b.want(b.o.OutputDir, "t/1200-000000:a|", "t/1200-000001:b|", "t/1201-000000:x", "t/1201-000001:c|")
	again := reopenBook(t, b.o)
	again.line("d", 0)
	again.must(again.close())
	again.want(b.o.OutputDir, "t/1200-000000:a|", "t/1200-000001:b|", "t/1200-000002:d|", "t/1201-000000:x", "t/1201-000001:c|")
	for _, word := range []string{"destination file already exists: "} {
		if len(b.warnings) != 1 || !strings.HasPrefix(b.warnings[0], word) {
			t.Errorf("warnings %q", b.warnings)
		}
	}
	if len(again.warnings) != 2 || !strings.HasPrefix(again.warnings[0], "output file already exists: ") {
		t.Errorf("warnings %q", again.warnings)
	}
}

func TestTornLineIsClosed(t *testing.T) {
	b := openBook(t, func(*Options) {})
	path := filepath.Join(b.o.OutputDir, "t.1200")
	b.must(os.WriteFile(path, []byte("whole\nha"), 0o600))
	b.line("half", 0)
	b.must(b.close())
	b.want(b.o.OutputDir, "t.1200:whole|ha|half|")
}

func TestNames(t *testing.T) {
	at := time.Date(2026, 3, 4, 15, 6, 7, 0, time.FixedZone("CET", 3600))
	for format, want := range map[string]string{
		"%Y-%m-%d_%H":       "2026-03-04_15",
		"%A %a %B %b %I %p": "Wednesday Wed March Mar 03 PM",
		"%M %S %y %Z %z":    "06 07 26 CET +0100",
		"v2 Jan 2006 %%":    "v2 Jan 2006 %", // text is no layout
		"%Q %":              "%Q %",
	} {
		if got := strftime(format, at); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	o := NewOptions()
	o.FilenameFormat, o.HostIdentifier = "<TOPIC>.<HOST>.<PID><REV>.<DATETIME>", "x-<HOSTNAME>"
	for _, c := range []struct {
		gzip bool
		want string
	}{
		{false, fmt.Sprintf("t.x-%s.%d.2026-03-04_15", host, os.Getpid())},
		{true, fmt.Sprintf("t.x-%s.%d-000012.2026-03-04_15.gz", host, os.Getpid())},
	} {
		o.Gzip = c.gzip
		n, err := newNamer(o, "t")
		if err != nil {
			t.Fatal(err)
		}
		if got := n.revision(n.at(at), 12); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if _, err := newNamer(o, ".."); err == nil {
		t.Error("a topic leads out of the folder")
	}
}
