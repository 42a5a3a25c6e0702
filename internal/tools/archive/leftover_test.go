package archive

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// left returns a book of a process that died after some lines, of which the last
// one was not synced.
func left(t *testing.T, gzip bool) *book {
	b := openBook(t, func(o *Options) {
		o.WorkDir, o.Gzip, o.FilenameFormat = t.TempDir(), gzip, "<DATETIME>/<TOPIC>.<PID><REV>"
	})
	b.line("a", 0)
	b.must(b.sync())
	b.line("b", 0)
	b.must(b.sync())
	b.line("never synced", 0)
	b.must(b.file.sync())
	b.must(b.file.disk.Close())
	return b
}

// path returns where the dead process's file is.
func (b *book) path() string { return b.file.name }

// after returns what is in the work and the output folder after the next start.
func after(t *testing.T, b *book) (work, output string) {
	t.Helper()
	next := reopenBook(t, b.o)
	next.must(next.recover())
	next.line("next", 0)
	next.must(next.close())
	list := func(dir string) string {
		var names []string
		for _, pattern := range []string{"*", "*/*"} {
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			b.must(err)
			for _, path := range found {
				if info, err := os.Stat(path); err == nil && !info.IsDir() {
					name := filepath.Base(path)
					name = name[strings.LastIndex(name, "-")+1:]
					text := strings.ReplaceAll(content(t, path), "\n", "|")
					names = append(names, strings.TrimSuffix(name, ".gz")+":"+text)
				}
			}
		}
		return strings.Join(names, " ")
	}
	return list(b.o.WorkDir), list(b.o.OutputDir)
}

func wantAfter(t *testing.T, b *book, work, output string) {
	t.Helper()
	if w, o := after(t, b); w != work || o != output {
		t.Errorf("work folder %q, want %q; output folder %q, want %q", w, work, o, output)
	}
}

func TestLeftover(t *testing.T) {
	wantAfter(t, left(t, false), "", "000000:a|b|never synced| 000001:next|")
	wantAfter(t, left(t, true), "", "000000:a|b|never synced| 000001:next|")
	b := left(t, true) // of a process with another number
	b.must(os.Rename(b.path(), filepath.Join(filepath.Dir(b.path()), "t.1-000000.gz")))
	wantAfter(t, b, "", "000000:a|b|never synced| 000000:next|")
}

func TestTornLeftover(t *testing.T) {
	b := left(t, false)
	b.must(os.Truncate(b.path(), int64(len("a\nb\nne"))))
	wantAfter(t, b, "", "000000:a|b|ne| 000001:next|")

	whole := left(t, true)
	info, err := os.Stat(whole.path())
	whole.must(err)
	two := left(t, true) // a, b and the beginning of a third member
	third := int64(0)
	for size := info.Size() - 1; ; size-- {
		two.must(os.Truncate(two.path(), size))
		f, err := os.Open(two.path())
		two.must(err)
		if third, err = wholeMembers(f); err == nil {
			f.Close()
			break
		}
		f.Close()
	}
	for _, size := range []int64{third, third + 1, third + 5, third + 12, info.Size() - 1} {
		b := left(t, true)
		b.must(os.Truncate(b.path(), size))
		wantAfter(t, b, "", "000000:a|b| 000001:next|")
	}
}

// TestEmptyLeftover: what died before its first sync leaves nothing that gzip cannot read.
func TestEmptyLeftover(t *testing.T) {
	for _, size := range []int64{0, 5} {
		b := left(t, true)
		b.must(os.Truncate(b.path(), size))
		wantAfter(t, b, "", "000000:next|")
	}
}

func TestDamagedLeftoverStays(t *testing.T) {
	b := left(t, true)
	text, err := os.ReadFile(b.path())
	b.must(err)
	text[len(text)/2] ^= 0xff
	b.must(os.WriteFile(b.path(), text, 0o600))
	next := reopenBook(t, b.o)
	next.must(next.recover())
	if len(next.warnings) != 1 || !strings.HasPrefix(next.warnings[0], "damaged working file stays where it is: ") {
		t.Errorf("warnings %q", next.warnings)
	}
	if now, err := os.ReadFile(b.path()); err != nil || string(now) != string(text) {
		t.Errorf("it is changed: %v", err)
	}
}

func TestWorkingFileOfOthersStays(t *testing.T) {
	b := openBook(t, func(o *Options) { o.WorkDir, o.DatetimeFormat = t.TempDir(), "x" })
	b.line("a", 0)
	b.must(b.sync())
	other := filepath.Join(b.o.WorkDir, "u-000000.x")
	b.must(os.WriteFile(other, []byte("of another topic"), 0o600))
	next := reopenBook(t, b.o)
	next.must(next.recover())
	next.line("b", 0) // the name is in use
	next.must(next.close())
	b.line("c", 0)
	b.must(b.close())
	b.want(b.o.OutputDir, "t-000000.x:a|c|", "t-000001.x:b|")
	b.want(b.o.WorkDir, "u-000000.x:of another topic")
}
