package session

import (
	"strings"
	"testing"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/nsqd/broker"
)

// TestFarewell holds that a client which closes its socket between two commands
// is no error, in whatever layers, and one that does so within a command is.
func TestFarewell(t *testing.T) {
	for _, over := range transports {
		for _, c := range []struct{ last, want string }{
			{"NOP\n", "closed the connection"},
			{"PUB t\n\x00\x00\x00\x02x", "unexpected EOF"},
		} {
			t.Run(over.name+"/"+c.want, func(t *testing.T) {
				var log nsqtest.Output
				l := newLive(t, func(s *Config, _ *broker.Config) { s.Log = logging.New(&log, "", logging.Debug) })
				client := l.client(over, false)
				client.write([]byte(c.last))
				client.close()
				l.busy.Wait()
				l.close()
				if text := log.String(); !strings.Contains(text, c.want) || strings.Contains(text, "ERROR") != (c.want == "unexpected EOF") {
					t.Errorf("the log is\n%s", text)
				}
			})
		}
	}
}
