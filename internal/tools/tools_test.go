package tools

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/protocol"
)

func TestMain(m *testing.M) { nsqtest.Main(m) }

const patience = 30 * time.Second

// startNsqd starts an nsqd with more arguments, among them perhaps knows(l).
func startNsqd(t *testing.T, more ...string) *nsqtest.Daemon {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real processes")
	}
	n := nsqtest.Start(t, "nsqd", append(more, "--broadcast-address=127.0.0.1", "--data-path="+t.TempDir())...)
	nsqtest.Eventually(t, patience, "nsqd is connected to nsqlookupd", func() bool {
		return len(more) == 0 || !strings.Contains(more[0], "lookupd") || strings.Contains(n.Log(), "peer info")
	})
	return n
}

// knows is the argument that makes an nsqd register with a nsqlookupd.
func knows(l *nsqtest.Daemon) string { return "--lookupd-tcp-address=" + l.TCP }

func startLookupd(t *testing.T) *nsqtest.Daemon {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real processes")
	}
	return nsqtest.Start(t, "nsqlookupd", "--broadcast-address=127.0.0.1")
}

// post sends a request to nsqd's HTTP API, which must answer 200.
func post(t *testing.T, n *nsqtest.Daemon, path, body string) {
	t.Helper()
	if answer, status := nsqtest.Do(t, "POST", "http://"+n.HTTP+path, body); status != 200 {
		t.Fatalf("POST %s: status %d, %s", path, status, answer)
	}
}

func create(t *testing.T, n *nsqtest.Daemon, topic string, channels ...string) {
	t.Helper()
	post(t, n, "/topic/create?topic="+topic, "")
	for _, c := range channels {
		post(t, n, "/channel/create?topic="+topic+"&channel="+c, "")
	}
}

// publish publishes bodies, which have no newline.
func publish(t *testing.T, n *nsqtest.Daemon, topic string, bodies ...string) {
	t.Helper()
	post(t, n, "/mpub?topic="+topic, strings.Join(bodies, "\n"))
}

// numbered returns n bodies: word-0, word-1, …
func numbered(word string, n int) []string {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = fmt.Sprintf("%s-%d", word, i)
	}
	return bodies
}

// channel returns the statistics of a channel, or nil.
func channel(t *testing.T, n *nsqtest.Daemon, topic, name string) *protocol.ChannelStats {
	t.Helper()
	var s protocol.Stats
	query := url.Values{"format": {"json"}, "topic": {topic}, "channel": {name}}
	text := nsqtest.Get(t, "http://"+n.HTTP+"/stats?"+query.Encode())
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Topics) == 0 || len(s.Topics[0].Channels) == 0 {
		return nil
	}
	return &s.Topics[0].Channels[0]
}

// awaitDrained waits until nobody owes anything on a channel that has had so many messages.
func awaitDrained(t *testing.T, n *nsqtest.Daemon, topic, name string, messages int) {
	t.Helper()
	var c *protocol.ChannelStats
	defer func() {
		if t.Failed() {
			t.Logf("%s/%s: %+v", topic, name, c)
		}
	}()
	nsqtest.Eventually(t, patience, fmt.Sprintf("%s/%s is drained of %d messages", topic, name, messages), func() bool {
		c = channel(t, n, topic, name)
		return c != nil && c.MessageCount == uint64(messages) && c.Depth == 0 && c.InFlightCount == 0 && c.DeferredCount == 0
	})
}

// awaitConsumer waits until a channel has a consumer.
func awaitConsumer(t *testing.T, n *nsqtest.Daemon, topic, name string) {
	t.Helper()
	nsqtest.Eventually(t, patience, topic+"/"+name+" has a consumer", func() bool {
		c := channel(t, n, topic, name)
		return c != nil && c.ClientCount > 0
	})
}

// TestCommandLines starts each tool in ways it cannot work.
func TestCommandLines(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	const noSource = "--nsqd-tcp-address or --lookupd-http-address required"
	const twoSources = "use --nsqd-tcp-address or --lookupd-http-address not both"
	const both = " --nsqd-tcp-address=a:1 --lookupd-http-address=a:2"
	for _, c := range []struct {
		line string
		exit int
		says string
	}{
		{"nsq_tail", 1, noSource},
		{"nsq_tail -topic t" + both, 1, twoSources},
		{"nsq_tail --nsqd-tcp-address=127.0.0.1:1", 1, "--topic required"},
		{"nsq_tail --nsqd-tcp-address=127.0.0.1:1 --topic=a/b", 1, "invalid topic name"},
		{"nsq_tail --nsqd-tcp-address=127.0.0.1:1 --topic=a --channel=c#", 1, "invalid channel name"},
		{"nsq_tail --nsqd-tcp-address=127.0.0.1:1 --topic=a", 1, "connection refused"},
		{"nsq_tail --consumer-opt=x,y", 2, "invalid option x"},
		{"nsq_stat", 1, "--topic and --channel are required"},
		{"nsq_stat --topic=t --channel=c --interval=0s", 1, "--interval should be positive"},
		{"nsq_stat --topic=t --channel=c --http-client-connect-timeout=0s", 1, "--http-client-connect-timeout should be positive"},
		{"nsq_stat --topic=t --channel=c --http-client-request-timeout=0s", 1, "--http-client-request-timeout should be positive"},
		{"nsq_stat --topic=t --channel=c --count=0", 1, "--count should be positive"},
		{"nsq_stat --topic=t --channel=c", 1, "--nsqd-http-address or --lookupd-http-address required"},
		{"nsq_stat --topic=t --channel=c --nsqd-http-address=a:1 --lookupd-http-address=a:1", 1, "use --nsqd-http-address or --lookupd-http-address not both"},
		{"nsq_stat --topic=t --channel=c --nsqd-http-address=http://a:1", 1, "--nsqd-http-address error - address should not contain scheme"},
		{"nsq_stat --topic=t --channel=c --lookupd-http-address=http://a:1", 1, "--lookupd-http-address error - address should not contain scheme"},
		{"nsq_stat --topic=t --channel=c --lookupd-http-address=https://a:1/x", 1, `--lookupd-http-address error - "https://a:1/x": an address is host:port or https://host:port`},
		{"nsq_tail --topic=t --lookupd-http-address=ftp://a:1", 1, `--lookupd-http-address error - "ftp://a:1": the scheme is http or https`},
		{"nsq_to_file --topic-pattern=. --lookupd-http-address=https://a", 1, `--lookupd-http-address error - "https://a": an address is host:port or https://host:port`},
		{"nsq_stat --topic=t --channel=c --nsqd-http-address=127.0.0.1:1", 1, "ERROR: failed to get topic producers - "},
		{"to_nsq", 1, "--topic required"},
		{"to_nsq --topic=t --delimiter=ab", 1, "--delimiter must be a single byte"},
		{"to_nsq --topic=t", 1, "--nsqd-tcp-address required"},
		{"to_nsq --topic=t --nsqd-tcp-address=a:1 --rate=x", 2, `invalid value "x" for flag -rate`},
		{"to_nsq --producer-opt=max_attempts,70000", 2, "invalid max_attempts ! 70000 > 65535"},
		{"nsq_to_file x", 1, "unknown arguments: [x]"},
		{"nsq_to_file --log-level=loud", 1, "--log-level is invalid"},
		{"nsq_to_file --channel=", 1, "--channel is required"},
		{"nsq_to_file --http-client-connect-timeout=0s", 1, "--http-client-connect-timeout should be positive"},
		{"nsq_to_file --http-client-request-timeout=0s", 1, "--http-client-request-timeout should be positive"},
		{"nsq_to_file", 1, noSource + "."},
		{"nsq_to_file" + both, 1, twoSources},
		{"nsq_to_file --lookupd-http-address=a:1 --gzip-level=10", 1, "invalid --gzip-level value (10), should be 1-9"},
		{"nsq_to_file --lookupd-http-address=a:1", 1, "--topic or --topic-pattern required"},
		{"nsq_to_file --nsqd-tcp-address=a:1 --topic-pattern=a", 1, "--lookupd-http-address must be specified when no --topic specified"},
		{"nsq_to_file --nsqd-tcp-address=a:1 --topic=a --sync-interval=0s", 1, "--sync-interval should be positive"},
		{"nsq_to_file --nsqd-tcp-address=a:1 --topic=a --gzip --filename-format=x", 1, "missing <REV> in --filename-format when gzip, rotation, or work dir enabled"},
		{"nsq_to_file --lookupd-http-address=a:1 --topic-pattern=(", 1, "invalid --topic-pattern: "},
		{"nsq_to_file --nsqd-tcp-address=a:1 --topic=a --topic-pattern=b", 1, "WARNING: skipping topic a (doesn't match pattern b)"},
		{"nsq_to_file --consumer-opt=max_attempts", 2, "failed to coerce option max_attempts (true)"},
		{"nsq_to_file --nsqd-tcp-address=127.0.0.1:1 --topic=a --topic=..", 1, "couldn't create logger for new topic a: "},
		{"nsq_to_http --header=x", 1, "--header value format should be 'Name: value'"},
		{"nsq_to_http --header=a/b:c", 1, "--header value format should be 'Name: value'"},
		{"nsq_to_http", 1, "--topic and --channel are required"},
		{"nsq_to_http --topic=t --content-type=a/b --get=x", 1, "--content-type only used with --post"},
		{"nsq_to_http --topic=t --content-type= --post=x", 1, "--content-type requires a value when used"},
		{"nsq_to_http --topic=t", 1, noSource},
		{"nsq_to_http --topic=t" + both, 1, twoSources},
		{"nsq_to_http --topic=t --nsqd-tcp-address=a:1", 1, "--get or --post required"},
		{"nsq_to_http --topic=t --nsqd-tcp-address=a:1 --get=a --post=b", 1, "use --get or --post not both"},
		{"nsq_to_http --topic=t --nsqd-tcp-address=a:1 --get=http://a/%%s", 1, "invalid GET address - must be a printf string"},
		{"nsq_to_http --topic=t --nsqd-tcp-address=a:1 --post=http://a --sample=1.1", 1, "ERROR: --sample must be between 0.0 and 1.0"},
		{"nsq_to_http --topic=t --nsqd-tcp-address=a:1 --post=http://a --sample=NaN", 1, "ERROR: --sample must be between 0.0 and 1.0"},
		{"nsq_to_http --topic=t --nsqd-tcp-address=a:1 --post=a:1/x", 1, "invalid URL"},
		{"nsq_to_http --mode=multicast", 2, "unknown mode"},
		{"nsq_to_nsq", 1, "--topic and --channel are required"},
		{"nsq_to_nsq --topic=t --channel=", 1, "--topic and --channel are required"},
		{"nsq_to_nsq --topic=t/", 1, "--topic is invalid"},
		{"nsq_to_nsq --topic=t --destination-topic=t/", 1, "--destination-topic is invalid"},
		{"nsq_to_nsq --topic=t --channel=c/", 1, "--channel is invalid"},
		{"nsq_to_nsq --topic=t", 1, noSource},
		{"nsq_to_nsq --topic=t" + both, 1, twoSources},
		{"nsq_to_nsq --topic=t --nsqd-tcp-address=a:1", 1, "--destination-nsqd-tcp-address required"},
		{"nsq_to_nsq --topic=t --nsqd-tcp-address=a:1 --destination-nsqd-tcp-address=a:1 --mode=all", 1, "--mode all is not for nsq_to_nsq"},
		{"nsq_to_nsq --producer-opt=x", 2, "invalid option x"},
	} {
		words := strings.Fields(c.line)
		tool := nsqtest.Run(t, words[0], words[1:]...)
		if exit := tool.Wait(); exit != c.exit || !strings.Contains(tool.Stderr.String(), c.says) {
			t.Errorf("%s: exit %d, want %d and %q:\n%s", c.line, exit, c.exit, c.says, tool.Stderr.String())
		}
	}
	for _, name := range []string{"nsq_tail", "nsq_stat", "nsq_to_file", "nsq_to_http", "nsq_to_nsq", "to_nsq"} {
		if tool := nsqtest.Run(t, name, "--version"); tool.Wait() != 0 || !strings.HasPrefix(tool.Stdout.String(), name+" v1.3.") {
			t.Errorf("%s --version: %s", name, tool.Stdout.String())
		}
		if tool := nsqtest.Run(t, name, "--help"); tool.Wait() != 0 || !strings.Contains(tool.Stderr.String(), "--topic") {
			t.Errorf("%s --help: %s", name, tool.Stderr.String())
		}
	}
}
