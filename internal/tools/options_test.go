package tools

import (
	"io"
	"strings"
	"testing"

	"nsqsuite/internal/certs/certstest"
	"nsqsuite/internal/nsqtest"
)

// TestLibraryOptionsArrive publishes and prints through TLS and both compressions.
func TestLibraryOptionsArrive(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	authority := certstest.NewAuthority(t)
	cert, key, root := authority.WriteFiles(t.TempDir(), "node")
	n := startNsqd(t, "--tls-cert="+cert, "--tls-key="+key, "--tls-required=tcp-https", "--tls-root-ca-file="+root,
		"--tls-client-auth-policy=require-verify", "--tls-min-version=tls1.3")
	create(t, n, "t", "c")
	mine, minesKey, _ := authority.WriteFiles(t.TempDir(), "tool")
	for i, compression := range []string{"snappy", "deflate", "tls_v1"} {
		with := func(flag string) []string {
			var args []string
			for _, o := range []string{"tls_v1", "tls_root_ca_file," + root, "tls_cert," + mine, "tls-key," + minesKey, compression} {
				args = append(args, flag+"="+o)
			}
			return args
		}
		tool := run(t, append([]string{"to_nsq", "--topic=t", "--nsqd-tcp-address=" + n.TCP}, with("--producer-opt")...)...)
		text := strings.Join(numbered(compression, 200), "\n") + "\n"
		io.WriteString(tool.Stdin, text) //nolint:errcheck // what comes out tells
		tool.Stdin.Close()
		if exit := tool.Wait(); exit != 0 {
			t.Errorf("%s: to_nsq: exit %d", compression, exit)
		}
		reader := run(t, append([]string{"nsq_tail", "--topic=t", "--channel=c", "-n=200", "--nsqd-tcp-address=" + n.TCP}, with("--consumer-opt")...)...)
		if exit := reader.Wait(); exit != 0 || reader.Stdout.String() != text {
			t.Errorf("%s: nsq_tail: exit %d, %d bytes", compression, exit, len(reader.Stdout.String()))
		}
		if log := n.Log(); strings.Count(log, "upgrading connection to TLS") != 2*(i+1) {
			t.Errorf("%s: %d connections with TLS", compression, strings.Count(log, "upgrading connection to TLS"))
		}
	}
	for _, upgrade := range []string{"snappy", "deflate"} {
		if strings.Count(n.Log(), "upgrading connection to "+upgrade) != 2 {
			t.Errorf("not every connection used %s", upgrade)
		}
	}
	plain := run(t, "nsq_tail", "--topic=t", "--channel=c", "--nsqd-tcp-address="+n.TCP)
	nsqtest.Eventually(t, patience, "a connection without TLS is refused", func() bool {
		return strings.Contains(plain.Stderr.String(), "E_INVALID")
	})
}
