package nsqlookupd

import (
	"strings"
	"testing"
)

// TestHTTPSPort has nsqd tell of HTTPS, one of them of that alone: it is shown, and
// the latter is named by it.
func TestHTTPSPort(t *testing.T) {
	d := start(t)
	for _, ports := range []string{`"http_port":2,"https_port":3`, `"http_port":0,"https_port":4`, `"http_port":5`} {
		c := d.dial(t)
		c.send("  V1" + command(`{"broadcast_address":"a","tcp_port":1,`+ports+`,"version":"x"}`))
		c.expect(d.hello())
		c.send("REGISTER t\n")
		c.expect("OK")
	}
	for _, path := range []string{"/lookup?topic=t", "/nodes", "/debug"} {
		text := d.get(t, path)
		for _, want := range []string{`"http_port":2,"https_port":3,`, `"http_port":0,"https_port":4,`, `"http_port":5,"version"`} {
			if !strings.Contains(text, want) {
				t.Errorf("%s has no %s: %s", path, want, text)
			}
		}
	}
	d.ask(t, "POST /topic/tombstone?topic=t&node=a:4")
	if text := d.get(t, "/lookup?topic=t"); strings.Contains(text, `"https_port":4`) || !strings.Contains(text, `"https_port":3`) {
		t.Errorf("the node by its HTTPS port is still there, or another is gone: %s", text)
	}
}
