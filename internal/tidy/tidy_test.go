package tidy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const (
	module      = "nsqsuite/"
	maxFunction = 70  // lines
	maxFile     = 500 // lines
)

// source is one Go file.
type source struct {
	path string // from the module's root, with slashes
	text string
	set  *token.FileSet
	file *ast.File
}

func (s *source) isTest() bool         { return strings.HasSuffix(s.path, "_test.go") }
func (s *source) dir() string          { return path.Dir(s.path) }
func (s *source) line(p token.Pos) int { return s.set.Position(p).Line }

func parse(name, text string) (*source, error) {
	s := &source{path: name, text: text, set: token.NewFileSet()}
	var err error
	s.file, err = parser.ParseFile(s.set, name, text, parser.ParseComments)
	return s, err
}

// rule returns what is wrong with a file.
type rule func(s *source) []string

var rules = map[string]rule{
	"imports":  imports,
	"length":   length,
	"sleeps":   sleeps,
	"names":    names,
	"comments": comments,
	"markers":  markers,
}

func TestHouse(t *testing.T) {
	root := filepath.Join("..", "..")
	documented := map[string]bool{}
	packages := map[string]bool{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(p, root+string(filepath.Separator)))
		if d.IsDir() && p != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "run-data") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		s, err := parse(name, string(text))
		if err != nil {
			return err
		}
		for ruleName, check := range rules {
			for _, complaint := range check(s) {
				t.Errorf("%s: %s (rule %q)", name, complaint, ruleName)
			}
		}
		if !s.isTest() {
			packages[s.dir()] = true
			documented[s.dir()] = documented[s.dir()] || s.file.Doc != nil
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 15 {
		t.Errorf("only %d packages found: is %s the module's root?", len(packages), root)
	}
	for dir := range packages {
		if !documented[dir] {
			t.Errorf("%s: the package has no comment: write a doc.go", dir)
		}
	}
}

// walls says for each room which rooms of ours it may import. A room stands for
// all below it, the longest match counts.
var walls = map[string][]string{
	"protocol":            {},
	"internal/vfs":        {},
	"internal/version":    {},
	"internal/logging":    {},
	"internal/socket":     {},
	"internal/tcpserve":   {"internal/logging"},
	"internal/httpapi":    {"internal/logging", "internal/httplane"},
	"internal/httpclient": {"internal/certs"},
	"internal/httplane":   {"internal/socket"},
	"internal/access":     {"internal/httpapi", "internal/logging"},
	"internal/metrics":    {"internal/httpapi", "internal/logging", "internal/version"},
	"internal/certs":      {"internal/logging"},
	"internal/cli":        {"internal/version", "internal/logging"},
	"internal/cluster":    {"protocol", "internal/httpclient", "internal/logging"},
	"diskqueue":           {"internal/vfs"},
	"diskqueue/upstream":  {"internal/vfs"},
	"nsqd/broker":         {"protocol", "diskqueue"},
	"nsqd/takeover":       {"protocol", "diskqueue", "nsqd/broker", "internal/vfs", "internal/logging"},
	"nsqd/redrive":        {"protocol", "nsqd/broker"},
	"nsqd/layers":         {},
	"nsqd/auth":           {"internal/httpclient"},
	"nsqd/session":        {"protocol", "nsqd/broker", "nsqd/layers", "nsqd/auth", "internal/logging", "internal/socket"},
	"nsqd/api":            {"protocol", "nsqd/broker", "nsqd/session", "nsqd/latency", "nsqd/redrive", "internal/httpapi", "internal/logging", "internal/version", "internal/httplane"},
	"nsqd/lookup":         {"protocol", "internal/certs", "internal/httpclient", "internal/logging"},
	"nsqd/latency":        {"protocol"},
	"nsqd/statsd":         {"protocol", "internal/logging"},
	"nsqd/metrics":        {"nsqd/broker", "internal/metrics"},
	"nsqd":                {"protocol", "diskqueue", "nsqd", "internal"},
	"nsqlookupd/registry": {"protocol"},
	"nsqlookupd":          {"protocol", "nsqlookupd/registry", "internal"},
	"nsqadmin/login":      {},
	"nsqadmin/actions":    {"protocol", "internal/cluster", "internal/logging"},
	"nsqadmin/collector":  {"protocol", "internal/cluster", "internal/logging"},
	"nsqadmin/ui":         {"protocol", "nsqadmin/actions", "nsqadmin/collector", "internal/cluster", "internal/httpapi", "internal/logging"},
	"nsqadmin":            {"protocol", "nsqadmin", "internal"},
	"cmd":                 {"nsqd", "nsqlookupd", "nsqadmin", "internal"},
	"internal/process":    {},
	"internal":            {"protocol", "internal"},
}

// forbidden are packages of the standard library that a room must do without.
var forbidden = map[string]*regexp.Regexp{
	"nsqd/broker":         regexp.MustCompile(`^(net|os)(/|$)`),
	"diskqueue":           regexp.MustCompile(`^(net|os)(/|$)`),
	"diskqueue/upstream":  regexp.MustCompile(`^(net|os)(/|$)`),
	"nsqlookupd/registry": regexp.MustCompile(`^(net|os)(/|$)`),
	"protocol":            regexp.MustCompile(`^(net|os)(/|$)`),
}

func room(dir string) string {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, ok := walls[dir]; ok {
			return dir
		}
	}
	return ""
}

func imports(s *source) (bad []string) {
	if s.isTest() {
		return nil
	}
	here := room(s.dir())
	if here == "" {
		return []string{"the folder is no room of the house: see walls"}
	}
	for _, i := range s.file.Imports {
		name, _ := strconv.Unquote(i.Path.Value)
		if no := forbidden[here]; no != nil && no.MatchString(name) {
			bad = append(bad, fmt.Sprintf("%s must not import %s", here, name))
		}
		ours, ok := strings.CutPrefix(name, module)
		if !ok {
			continue
		}
		allowed := false
		for _, w := range walls[here] {
			allowed = allowed || ours == w || strings.HasPrefix(ours, w+"/")
		}
		if !allowed {
			bad = append(bad, fmt.Sprintf("%s must not import %s: imports only point down", here, ours))
		}
	}
	return bad
}

func length(s *source) (bad []string) {
	if n := strings.Count(s.text, "\n"); n > maxFile {
		bad = append(bad, fmt.Sprintf("%d lines, at most %d: split it by subject", n, maxFile))
	}
	if s.isTest() {
		return bad
	}
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			if n := s.line(f.End()) - s.line(f.Pos()) + 1; n > maxFunction {
				bad = append(bad, fmt.Sprintf("line %d: %s has %d lines, at most %d", s.line(f.Pos()), f.Name.Name, n, maxFunction))
			}
		}
	}
	return bad
}

func sleeps(s *source) (bad []string) {
	if !s.isTest() {
		return nil
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if e, ok := n.(*ast.SelectorExpr); ok && e.Sel.Name == "Sleep" {
			if x, ok := e.X.(*ast.Ident); ok && x.Name == "time" {
				bad = append(bad, fmt.Sprintf("line %d: a test that sleeps: wait for the condition", s.line(n.Pos())))
			}
		}
		return true
	})
	return bad
}

var banned = regexp.MustCompile(`^(utils?|commons?|helpers?|misc|base)$`)

func names(s *source) (bad []string) {
	file := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.path), ".go"), "_test")
	for _, name := range append(strings.Split(s.dir(), "/"), file, s.file.Name.Name) {
		if banned.MatchString(name) {
			bad = append(bad, fmt.Sprintf("%q says nothing: name it after what it does", name))
		}
	}
	return bad
}

func comments(s *source) (bad []string) {
	if s.isTest() || s.file.Name.Name == "main" {
		return nil
	}
	lacks := func(n *ast.Ident, docs ...*ast.CommentGroup) {
		for _, d := range docs {
			if d != nil {
				return
			}
		}
		if n.IsExported() {
			bad = append(bad, fmt.Sprintf("line %d: %s has no comment", s.line(n.Pos()), n.Name))
		}
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || receiverExported(d.Recv) {
				lacks(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					lacks(spec.Name, d.Doc, spec.Doc)
				case *ast.ValueSpec:
					for _, n := range spec.Names {
						lacks(n, d.Doc, spec.Doc, spec.Comment)
					}
				}
			}
		}
	}
	return bad
}

func receiverExported(r *ast.FieldList) bool {
	t := r.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	n, ok := t.(*ast.Ident)
	return ok && n.IsExported()
}

// The words are put together here so that this file has none of them.
var (
	marker      = regexp.MustCompile(`\b(` + strings.Join([]string{"TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"}, "|") + `)\b`)
	machinePath = regexp.MustCompile(`(^|[^A-Za-z0-9_.])/(wo` + `rk|ro` + `ot|ho` + `me)/`)
)

func markers(s *source) (bad []string) {
	for i, line := range strings.Split(s.text, "\n") {
		if marker.MatchString(line) {
			bad = append(bad, fmt.Sprintf("line %d: something is left to do: do it", i+1))
		}
		if machinePath.MatchString(line) {
			bad = append(bad, fmt.Sprintf("line %d: a path of one machine", i+1))
		}
	}
	return bad
}

// TestRulesCanFail gives each rule a file that breaks it, and one that does not.
func TestRulesCanFail(t *testing.T) {
	for _, c := range []struct{ rule, path, good, bad string }{
		{"imports", "nsqd/broker/a.go", `import "nsqsuite/diskqueue"`, `import "nsqsuite/nsqd/session"`},
		{"imports", "nsqd/broker/a.go", `import "sync"`, `import "net/http"`},
		{"imports", "diskqueue/a.go", `import "nsqsuite/internal/vfs"`, `import "nsqsuite/protocol"`},
		{"imports", "elsewhere/a.go", "", `import "nsqsuite/protocol"`},
		{"length", "protocol/a.go", "func f() {\n}", "func f() {\n" + strings.Repeat("\n", maxFunction) + "}"},
		{"length", "protocol/a.go", "", strings.Repeat("\n", maxFile+1)},
		{"sleeps", "protocol/a_test.go", `var _ = time.After`, "func f() { time.Sl" + "eep(1) }"},
		{"names", "protocol/a.go", "", ""},
		{"comments", "protocol/a.go", "// F does.\nfunc F() {}", "func F() {}"},
		{"comments", "protocol/a.go", "// A\n\n// T is.\ntype T int", "type T int"},
		{"markers", "protocol/a.go", "// nothing", "// TO" + "DO: more"},
		{"markers", "protocol/a.go", "// https://example.org/a", "// see /wo" + "rk/x"},
	} {
		badPath := c.path
		if c.rule == "names" {
			badPath = "protocol/util/a.go"
		}
		for text, fails := range map[string]bool{"//good\n\n" + c.good: c.rule == "imports" && strings.HasPrefix(c.path, "elsewhere"), "//bad\n\n" + c.bad: true} {
			p := c.path
			if fails {
				p = badPath
			}
			s, err := parse(p, "package a\n"+text)
			if err != nil {
				t.Fatal(err)
			}
			if got := rules[c.rule](s); (len(got) > 0) != fails {
				t.Errorf("rule %s on %s, %q: %v", c.rule, p, text, got)
			}
		}
	}
}
