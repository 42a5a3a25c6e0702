package nsqd

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/nsqd/takeover"
	"nsqsuite/protocol"
)

// TestMoving starts on a folder of upstream's, looks at it before, meanwhile and
// after, exports it, and starts on what was exported.
func TestMoving(t *testing.T) {
	o := testOptions(t)
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(o.DataPath, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	record := protocol.AppendMessage(nil, protocol.Message{ID: protocol.NewMessageID(7), Timestamp: 8, Attempts: 9, Body: []byte("abc")})
	put("nsqd.dat", `{"topics":[{"name":"t","paused":false,"channels":[{"name":"c","paused":true}]}],"version":"1.3.0"}`)
	put("t:c.diskqueue.meta.dat", "1\n0,0\n0,33\n")
	put("t:c.diskqueue.000000.dat", string(binary.BigEndian.AppendUint32(nil, uint32(len(record))))+string(record))

	examine := func(dir, export string) (string, string, error) {
		x := NewOptions()
		x.DataPath, x.Export, x.Check = dir, export, export == ""
		if !x.Offline() || NewOptions().Offline() {
			t.Error("the options do not know what they ask for")
		}
		var out strings.Builder
		var log nsqtest.Output
		err := Examine(x, logging.New(&log, "", logging.Info), &out)
		return out.String(), log.String(), err
	}
	if got, _, err := examine(o.DataPath, ""); !strings.Contains(got, "upstream's queue t:c: 1 messages, 29 bytes, to be taken over") || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	out := filepath.Join(t.TempDir(), "out")
	if _, _, err := examine(o.DataPath, out); !errors.Is(err, takeover.ErrNotTakenOver) {
		t.Errorf("got %v", err)
	}
	d := startNSQD(t, o)
	if got, want := d.log.String(), "TAKEOVER: queue t:c: 1 messages, 29 bytes"; !strings.Contains(got, want) {
		t.Errorf("no %q in %s", want, got)
	}
	if _, _, err := examine(o.DataPath, ""); err == nil || !strings.Contains(err.Error(), "possibly in use by another instance of nsqd") {
		t.Errorf("while nsqd runs: %v", err)
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if got, _, err := examine(o.DataPath, ""); !strings.Contains(got, "channel c (paused): 1 messages, 3 bytes\nlitter: taken-over: ") || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, got, err := examine(o.DataPath, out); !strings.Contains(got, "EXPORT: queue t:c: 1 messages") || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	for _, name := range []string{"nsqd.dat", "t:c.diskqueue.meta.dat"} {
		want, err := os.ReadFile(filepath.Join(o.DataPath, "taken-over", "1", name))
		if name == "nsqd.dat" {
			want, err = os.ReadFile(filepath.Join(o.DataPath, name))
		}
		got, outErr := os.ReadFile(filepath.Join(out, name))
		if err != nil || outErr != nil || string(got) != string(want) {
			t.Errorf("%s: %q, want %q; %v, %v", name, got, want, outErr, err)
		}
	}
	again := testOptions(t)
	again.DataPath = out
	d = startNSQD(t, again)
	if got, want := d.log.String(), "TAKEOVER: queue t:c: 1 messages, 29 bytes"; !strings.Contains(got, want) {
		t.Errorf("no %q in %s", want, got)
	}

	for what, x := range map[string]*Options{
		"exclude each other":        {Check: true, Export: "x"},
		"--max-bytes-per-file":      {Check: true},
		"no such file or directory": {Check: true, MaxBytesPerFile: 1, DataPath: filepath.Join(out, "none")},
	} {
		if err := Examine(x, logging.Discard(), nil); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v instead of %q", err, what)
		}
	}
	put("nsqd.dat", "?")
	if _, _, err := examine(o.DataPath, ""); err == nil || !strings.Contains(err.Error(), "failed to parse metadata") {
		t.Errorf("with broken metadata: %v", err)
	}
}
