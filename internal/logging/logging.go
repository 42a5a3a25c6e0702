// Package logging writes the daemons' log: one line an event, in the form that
// operators' scripts have always parsed,
//
//	<prefix>2006/01/02 15:04:05.000000 LEVEL: text
//
// in local time, or as JSON, on top of log/slog.
package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Level is how important a line is. Its number is what GET /config/log_level shows.
type Level int

// The levels.
const (
	Debug Level = iota + 1
	Info
	Warn
	Error
	Fatal
)

var words = [...]string{Debug: "debug", Info: "info", Warn: "warn", Error: "error", Fatal: "fatal"}
var marks = [...]string{Debug: "DEBUG", Info: "INFO", Warn: "WARNING", Error: "ERROR", Fatal: "FATAL"}

// String returns the word that ParseLevel takes.
func (l Level) String() string {
	if l < Debug || l > Fatal {
		return fmt.Sprintf("level(%d)", int(l))
	}
	return words[l]
}

// ParseLevel returns the level of a word, in any case.
func ParseLevel(word string) (Level, error) {
	for l := Debug; l <= Fatal; l++ {
		if strings.EqualFold(word, words[l]) {
			return l, nil
		}
	}
	return 0, fmt.Errorf("invalid log level '%s' (debug, info, warn, error, fatal)", word)
}

// Set is pflag.Value.
func (l *Level) Set(word string) (err error) {
	parsed, err := ParseLevel(word)
	if err == nil {
		*l = parsed
	}
	return err
}

// Type is pflag.Value.
func (l *Level) Type() string { return "level" }

// slogLevel spaces the levels as log/slog does.
func (l Level) slogLevel() slog.Level { return slog.Level(4 * (int(l) - int(Info))) }

func mark(l slog.Level) string { return marks[min(max(Level(int(l)/4+int(Info)), Debug), Fatal)] }

// Logger writes lines at or above its level. It is safe for concurrent use.
type Logger struct {
	level   *slog.LevelVar
	handler slog.Handler
}

// New returns a logger that writes classic lines to w, each with prefix before it.
func New(w io.Writer, prefix string, level Level) *Logger { return Text.New(w, prefix, level) }

// Format is how lines look.
type Format string

// The formats.
const (
	Text Format = "text" // the classic form
	JSON Format = "json" // an object a line, with time, level and msg
)

// New returns a logger that writes to w; the prefix stands before each line of Text.
func (f Format) New(w io.Writer, prefix string, level Level) *Logger {
	l := &Logger{level: new(slog.LevelVar)}
	l.SetLevel(level)
	if f == JSON {
		l.handler = slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l.level, ReplaceAttr: nameLevel})
	} else {
		l.handler = &lines{w: w, prefix: prefix, level: l.level, mu: new(sync.Mutex)}
	}
	return l
}

// nameLevel gives levels their names of the classic form.
func nameLevel(_ []string, a slog.Attr) slog.Attr {
	if level, ok := a.Value.Any().(slog.Level); ok {
		return slog.String(a.Key, mark(level))
	}
	return a
}

// String is pflag.Value.
func (f *Format) String() string { return string(*f) }

// Set is pflag.Value.
func (f *Format) Set(word string) error {
	if word != string(Text) && word != string(JSON) {
		return fmt.Errorf("invalid log format '%s' (text, json)", word)
	}
	*f = Format(word)
	return nil
}

// Type is pflag.Value.
func (f *Format) Type() string { return "format" }

// Discard returns a logger that writes nothing.
func Discard() *Logger { return New(io.Discard, "", Fatal+1) }

// Level returns the level from which on lines are written.
func (l *Logger) Level() Level { return Level(int(l.level.Level())/4 + int(Info)) }

// SetLevel changes it.
func (l *Logger) SetLevel(level Level) { l.level.Set(level.slogLevel()) }

// Enabled tells whether lines of a level are written.
func (l *Logger) Enabled(level Level) bool { return level.slogLevel() >= l.level.Level() }

func (l *Logger) write(level Level, format string, args []any) {
	if l.Enabled(level) {
		r := slog.NewRecord(time.Now(), level.slogLevel(), fmt.Sprintf(format, args...), 0)
		l.handler.Handle(context.Background(), r) //nolint:errcheck // there is nowhere to tell
	}
}

// Debugf writes a line of level Debug.
func (l *Logger) Debugf(format string, args ...any) { l.write(Debug, format, args) }

// Infof writes a line of level Info.
func (l *Logger) Infof(format string, args ...any) { l.write(Info, format, args) }

// Warnf writes a line of level Warn.
func (l *Logger) Warnf(format string, args ...any) { l.write(Warn, format, args) }

// Errorf writes a line of level Error.
func (l *Logger) Errorf(format string, args ...any) { l.write(Error, format, args) }

// Fatalf writes a line of level Fatal. It does not end the program.
func (l *Logger) Fatalf(format string, args ...any) { l.write(Fatal, format, args) }

// Write takes what others log, such as net/http's server, as warnings.
func (l *Logger) Write(p []byte) (int, error) {
	l.Warnf("%s", strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

// lines is the slog.Handler for the classic form.
type lines struct {
	w      io.Writer
	prefix string
	level  slog.Leveler
	mu     *sync.Mutex
}

// oneLine keeps what a client sent from beginning a new line.
var oneLine = strings.NewReplacer("\n", `\n`, "\r", `\r`)

func (h *lines) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level.Level() }

func (h *lines) Handle(_ context.Context, r slog.Record) error {
	text := oneLine.Replace(r.Message)
	line := make([]byte, 0, len(h.prefix)+len(text)+40)
	line = append(line, h.prefix...)
	line = r.Time.AppendFormat(line, "2006/01/02 15:04:05.000000 ")
	line = append(line, mark(r.Level)...)
	line = append(line, ": "...)
	line = append(line, text...)
	line = append(line, '\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.w.Write(line)
	return err
}

func (h *lines) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h *lines) WithGroup(string) slog.Handler      { return h }
