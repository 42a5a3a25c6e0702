package diskqueue

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"nsqsuite/internal/vfs"
)

// entries returns what a journal of the world's store holds.
func (w *world) entries() (*Journal, []string) {
	w.t.Helper()
	var list []string
	j, err := NewStore(w.fs, testDir, 4).OpenJournal(testName, func(e []byte) { list = append(list, string(e)) })
	if err != nil {
		w.t.Fatal(err)
	}
	return j, list
}

// startsWith tells whether list begins with the first n of all, where n is at least least.
func startsWith(list, all []string, least int) bool {
	if len(list) < least || len(list) > len(all) {
		return false
	}
	for i := range list {
		if list[i] != all[i] {
			return false
		}
	}
	return true
}

// TestJournalEntriesComeBack ends the process or the power at random moments.
// What is there is always a beginning of what was written since the last
// rewrite, and no shorter than what had to be.
func TestJournalEntriesComeBack(t *testing.T) {
	for seed := range uint64(1000) {
		w := newWorld(t, seed, small(Write))
		dice := rand.New(rand.NewPCG(seed, 9))
		j, _ := w.entries()
		var all []string
		synced := 0
		for i := range 40 {
			switch n := dice.IntN(20); {
			case n < 12:
				e := fmt.Sprintf("%d %d", i, dice.Uint64())
				if err := j.Append(AppendEntry(nil, []byte(e))); err != nil {
					t.Fatal(err)
				}
				all = append(all, e)
			case n < 15:
				if err := j.Sync(); err != nil {
					t.Fatal(err)
				}
				synced = len(all)
			case n < 17:
				all = []string{fmt.Sprintf("all at %d", i)}
				if err := rewrite(j, all[0]); err != nil {
					t.Fatal(err)
				}
				synced = 1
			default:
				least := len(all)
				if n == 19 {
					least = synced
					w.crash()
				} else {
					w.kill()
				}
				var got []string
				if j, got = w.entries(); !startsWith(got, all, least) {
					t.Fatalf("seed %d: %d entries, %d were synced, %d written: %q of %q", seed, len(got), synced, len(all), got, all)
				}
				all, synced = got, min(synced, len(got))
			}
		}
	}
}

// TestJournalSurvivesFailures lets single operations fail: no entry that was
// taken is lost, and none that was not taken appears.
func TestJournalSurvivesFailures(t *testing.T) {
	for at := range 40 {
		w := newWorld(t, 1, small(Write))
		w.fs.Fail(failOnce(at + 1))
		var all []string
		j, err := w.store0().OpenJournal(testName, func([]byte) {})
		if err != nil {
			continue
		}
		for i := range 12 {
			e := fmt.Sprint("entry ", i)
			if i == 6 {
				e = "rewritten"
				err = rewrite(j, e)
				if _, got := w.clone(Position{}).entries(); len(got) == 1 { // also after an error, if only the folder's sync failed
					all = got
				} else if err == nil {
					t.Fatalf("operation %d: %q after a rewrite", at+1, got)
				}
			} else if err = j.Append(AppendEntry(nil, []byte(e))); err == nil {
				all = append(all, e)
			}
			if err != nil && !errors.Is(err, errInjected) {
				t.Fatal(err)
			}
		}
		w.fs.Fail(nil)
		if _, got := w.entries(); !startsWith(got, all, len(all)) {
			t.Errorf("operation %d: %q of %q", at+1, got, all)
		}
	}
}

// TestJournalDamage flips each bit of a journal: what is in front of it is read.
func TestJournalDamage(t *testing.T) {
	w := newWorld(t, 1, small(Write))
	j, _ := w.entries()
	all := []string{"first", "", "third", "and a last one"}
	var ends []int64
	for _, e := range all {
		if err := j.Append(AppendEntry(nil, []byte(e))); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, j.Size())
	}
	path := testDir + "/t.topic/" + journalName
	for pos := range j.Size() {
		for bit := range 8 {
			c := w.clone(Position{})
			c.change(path, flip(pos, 1<<bit))
			before := 0
			for before < len(ends) && ends[before] <= pos {
				before++
			}
			if _, got := c.entries(); len(got) != before || !startsWith(got, all, before) {
				t.Fatalf("bit %d of byte %d: %q", bit, pos, got)
			}
		}
		c := w.clone(Position{})
		c.change(path, func(f vfs.File) error { return f.Truncate(pos) })
		j, got := c.entries()
		if !startsWith(got, all, 0) {
			t.Fatalf("cut at %d: %q", pos, got)
		}
		if err := j.Append(AppendEntry(nil, []byte("next"))); err != nil {
			t.Fatal(err)
		}
		if _, after := c.entries(); len(after) != len(got)+1 || after[len(got)] != "next" {
			t.Fatalf("cut at %d, then appended: %q", pos, after)
		}
	}
}

func rewrite(j *Journal, entries ...string) error {
	return j.Rewrite(func(add func([]byte) error) error {
		for _, e := range entries {
			if err := add(AppendEntry(nil, []byte(e))); err != nil {
				return err
			}
		}
		return nil
	})
}
