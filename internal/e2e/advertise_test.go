package e2e

import (
	"strings"
	"testing"

	"nsqsuite/internal/nsqtest"
)

// TestTwoNetworks has one nsqlookupd inside and one outside: each is told the
// address that its clients can reach.
func TestTwoNetworks(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	inside, outside := nsqtest.Start(t, "nsqlookupd"), nsqtest.Start(t, "nsqlookupd")
	nsqtest.Start(t, "nsqd", "--data-path="+t.TempDir(), "--broadcast-address=in.example", "--broadcast-address-at="+outside.TCP+"=out.example/31150/31151",
		"--lookupd-tcp-address="+inside.TCP, "--lookupd-tcp-address="+outside.TCP)
	for l, want := range map[*nsqtest.Daemon]string{inside: `"broadcast_address":"in.example"`, outside: `"broadcast_address":"out.example","tcp_port":31150,"http_port":31151,`} {
		nsqtest.Eventually(t, patience, want, func() bool { return strings.Contains(nsqtest.Get(t, "http://"+l.HTTP+"/nodes"), want) })
	}
}
