package main

import (
	"bytes"
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
	for durability, cycles := range map[string]int{"memory": 10, "write": 24, "fsync": 16} {
		t.Run(durability, func(t *testing.T) {
			t.Parallel() // each of them mostly waits
			r, err := run(t.Context(), config{
				Program: nsqtest.Path(t, "nsqd"), Dir: t.TempDir(), Durability: durability,
				Cycles: cycles, Seed: uint64(time.Now().UnixNano()), Life: 500 * time.Millisecond, Messages: 300,
				Sync: 100 * time.Millisecond, Grace: 2 * time.Second, MsgTimeout: 400 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			r.print(&out)
			t.Logf("%d cycles\n%s", cycles, &out)
			if !r.ok() {
				t.Error("not every promise was kept")
			}
			if r.acknowledged == 0 || r.delivered == 0 || r.kills+r.stops != cycles+1 {
				t.Error("the cycles did not do their work")
			}
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
