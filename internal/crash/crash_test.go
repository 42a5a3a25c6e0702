package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/nsqtest"
)

func TestMain(m *testing.M) { nsqtest.Main(m) }

// TestCrash is `make crash` in short: 50 cycles over the three modes.
func TestCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	t.Parallel()
	for durability, cycles := range map[string]int{"memory": 10, "write": 24, "fsync": 16} {
		t.Run(durability, func(t *testing.T) {
			t.Parallel() // each of them mostly waits
			prove(t, config{Durability: durability, Cycles: cycles, Dir: t.TempDir()})
		})
	}
}

// prove runs short cycles and checks the verdict.
func prove(t *testing.T, c config) {
	t.Helper()
	c.Program, c.Seed = nsqtest.Path(t, "nsqd"), uint64(time.Now().UnixNano())
	c.Life, c.Messages = 500*time.Millisecond, 300
	c.Sync, c.Grace, c.MsgTimeout = 100*time.Millisecond, 2*time.Second, 400*time.Millisecond
	r, err := run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r.print(&out)
	t.Logf("%d cycles\n%s", c.Cycles, &out)
	if !r.ok() {
		t.Error("not every promise was kept")
	}
	if r.acknowledged == 0 || r.delivered == 0 || r.kills+r.stops != c.Cycles+1 {
		t.Error("the cycles did not do their work")
	}
}

// TestPowerCut is TestCrash with a file system that loses power.
func TestPowerCut(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	t.Parallel()
	for _, durability := range []string{"write", "fsync"} {
		t.Run(durability, func(t *testing.T) {
			t.Parallel()
			d, err := newDisk(t.TempDir())
			if errors.Is(err, errNoDisk) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := d.remove(); err != nil {
					t.Error(err)
				}
			}()
			prove(t, config{Durability: durability, Cycles: 6, Dir: d.dir, Disk: d})
		})
	}
}

func TestBodies(t *testing.T) {
	for message := range 3 * largeOne {
		b := body(message)
		if got, ok := parseBody(b); !ok || got != message || bytes.ContainsRune(b, '\n') {
			t.Fatalf("message %d: %d, %v", message, got, ok)
		}
		b[len(b)-1]++
		if _, ok := parseBody(b); ok {
			t.Fatalf("a change of message %d goes unnoticed", message)
		}
	}
}

// TestStartFails checks that a program that does not start is told of, log and all.
func TestStartFails(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	_, err := run(t.Context(), config{Program: nsqtest.Path(t, "nsqd"), Dir: "/nonexistent", Durability: "write", Life: 1, Sync: 1, MsgTimeout: 1})
	if err == nil || !strings.Contains(err.Error(), "data-path") {
		t.Errorf("error %v", err)
	}
}
