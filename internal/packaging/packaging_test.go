package packaging

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"nsqsuite/internal/cli"
	"nsqsuite/internal/tools/archive"
	"nsqsuite/internal/tools/publish"
	"nsqsuite/internal/tools/relay"
	"nsqsuite/internal/tools/stat"
	"nsqsuite/internal/tools/tail"
	"nsqsuite/internal/tools/tohttp"
	"nsqsuite/nsqadmin"
	"nsqsuite/nsqd"
	"nsqsuite/nsqlookupd"
)

// program is one of the suite's command lines; options makes its defaults.
type program struct {
	tool    bool
	options func() any
}

var programs = map[string]program{
	"nsqd":        {false, func() any { return nsqd.NewOptions() }},
	"nsqlookupd":  {false, func() any { return nsqlookupd.NewOptions() }},
	"nsqadmin":    {false, func() any { return nsqadmin.NewOptions() }},
	"nsq_tail":    {true, func() any { return tail.NewOptions() }},
	"nsq_stat":    {true, func() any { return stat.NewOptions() }},
	"nsq_to_file": {true, func() any { return archive.NewOptions() }},
	"nsq_to_http": {true, func() any { return tohttp.NewOptions() }},
	"nsq_to_nsq":  {true, func() any { return relay.NewOptions() }},
	"to_nsq":      {true, func() any { return publish.NewOptions() }},
}

// run parses a command line, and returns the options and what was printed.
func run(t *testing.T, name string, args ...string) (options any, out string, exit int) {
	t.Helper()
	var b bytes.Buffer
	p := cli.Program{Name: name, Does: name + " does what it's for.", Stdout: &b, Stderr: &b, Tool: programs[name].tool}
	options = programs[name].options()
	exit, _ = p.Parse(options, args)
	return options, b.String(), exit
}

// flags returns the flags of a program as its options' tags have them.
func flags(name string) []string {
	var list []string
	for _, field := range reflect.VisibleFields(reflect.TypeOf(programs[name].options()).Elem()) {
		if f := field.Tag.Get("flag"); f != "" {
			list = append(list, f)
		}
	}
	return list
}

func TestEveryProgramIsHere(t *testing.T) {
	folders, err := os.ReadDir("../../cmd")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if _, ok := programs[f.Name()]; !ok {
			t.Errorf("%s is missing", f.Name())
		}
	}
	if len(folders) != len(programs) {
		t.Errorf("%d programs, %d are here", len(folders), len(programs))
	}
}

// TestDescriptionsHaveEveryFlag also has the tools that read them check them, where
// there are any.
func TestDescriptionsHaveEveryFlag(t *testing.T) {
	checkers := map[string][]string{"man": {"groff", "-man", "-ww", "-z", "-Tutf8"}, "bash": {"bash", "-n"}, "zsh": {"zsh", "-n"}, "fish": {"fish", "-n"}}
	for name := range programs {
		for what, checker := range checkers {
			_, out, exit := run(t, name, "--generate="+what)
			if exit != 0 {
				t.Errorf("%s: %s: exit %d", name, what, exit)
			}
			plain := strings.ReplaceAll(out, `\-`, "-")
			for _, f := range append(flags(name), "version", "generate") {
				if !strings.Contains(plain, "--"+f) && !strings.Contains(plain, "-l "+f) {
					t.Errorf("%s: %s lacks --%s", name, what, f)
				}
			}
			if _, err := exec.LookPath(checker[0]); err != nil {
				continue
			}
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, []byte(out), 0o600); err != nil {
				t.Fatal(err)
			}
			complaints, err := exec.Command(checker[0], append(checker[1:], path)...).CombinedOutput()
			if err != nil || len(complaints) > 0 {
				t.Errorf("%s: %s: %v\n%s", name, checker[0], err, complaints)
			}
		}
	}
	for _, args := range [][]string{{"nsqd", "--generate=x"}, {"nsq_tail", "--generate=config"}} {
		if _, _, exit := run(t, args[0], args[1]); exit != cli.ExitUsage {
			t.Errorf("%s: exit %d", args, exit)
		}
	}
}

// TestBashCompletes has bash complete words.
func TestBashCompletes(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("there is no bash")
	}
	_, script, _ := run(t, "nsqd", "--generate=bash")
	for word, want := range map[string]string{"--data": "--data-path=", "--max-msg-s": "--max-msg-size=", "x": ""} {
		out, err := exec.Command("bash", "-c", script+fmt.Sprintf(`
compopt() { :; }
_nsqd nsqd %q nsqd
echo "${COMPREPLY[*]}"`, word)).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: %q, want %q; %v", word, got, want, err)
		}
	}
}

var commentedKey = regexp.MustCompile(`(?m)^#(\w+ = )`)

// TestExampleFilesAreTheDefaults takes the # away before every key: then the file
// must say what holds without it.
func TestExampleFilesAreTheDefaults(t *testing.T) {
	for name, p := range programs {
		if p.tool {
			continue
		}
		_, text, _ := run(t, name, "--generate=config")
		path := filepath.Join(t.TempDir(), "example.toml")
		if err := os.WriteFile(path, []byte(commentedKey.ReplaceAllString(text, "$1")), 0o600); err != nil {
			t.Fatal(err)
		}
		got, out, exit := run(t, name, "--config="+path)
		if exit != 0 {
			t.Fatalf("%s: %s", name, out)
		}
		have, want := reflect.ValueOf(got).Elem(), reflect.ValueOf(p.options()).Elem()
		for i := range want.NumField() {
			f := want.Type().Field(i)
			if f.Tag.Get("default") != "" || f.Tag.Get("flag") == "" && f.Tag.Get("toml") == "" || f.Tag.Get("toml") == "-" {
				continue
			}
			key := f.Tag.Get("toml")
			if key == "" {
				key = strings.ReplaceAll(f.Tag.Get("flag"), "-", "_")
			}
			if !strings.Contains(text, "\n#"+key+" = ") {
				t.Errorf("%s: %s is missing", name, key)
			}
			if a, b := fmt.Sprint(have.Field(i)), fmt.Sprint(want.Field(i)); a != b {
				t.Errorf("%s: %s is %s, by default %s", name, key, a, b)
			}
		}
		host, err := os.Hostname()
		if err == nil && len(host) > 3 && strings.Contains(text, host) {
			t.Errorf("%s: the file names this host", name)
		}
	}
}

func TestUnitsFitThePrograms(t *testing.T) {
	units, err := filepath.Glob("systemd/*.service")
	if err != nil || len(units) != 3 {
		t.Fatalf("%d units, %v", len(units), err)
	}
	start := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/(\w+) (.*)$`)
	for _, path := range units {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found := start.FindStringSubmatch(string(text))
		if found == nil || found[1]+".service" != filepath.Base(path) {
			t.Errorf("%s starts %q", path, found)
			continue
		}
		empty := filepath.Join(t.TempDir(), "empty.toml")
		if err := os.WriteFile(empty, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		args := strings.Fields(strings.Replace(found[2], "/etc/nsq/"+found[1]+".toml", empty, 1))
		if _, out, exit := run(t, found[1], args...); exit != 0 {
			t.Errorf("%s: %s", path, out)
		}
	}
}
