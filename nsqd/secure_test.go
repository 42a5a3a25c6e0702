package nsqd

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nsqsuite/internal/certs"
	"nsqsuite/internal/certs/certstest"
	"nsqsuite/internal/cli"
	"nsqsuite/internal/logging"
)

// start parses a command line and returns what New makes of it.
func start(t *testing.T, args ...string) (*NSQD, error) {
	t.Helper()
	o := NewOptions()
	var stderr bytes.Buffer
	p := cli.Program{Name: "nsqd", Stdout: &stderr, Stderr: &stderr}
	args = append([]string{"--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0", "--https-address=127.0.0.1:0", "--data-path=" + t.TempDir()}, args...)
	if exit, done := p.Parse(o, args); done {
		t.Fatalf("exit %d: %s", exit, &stderr)
	}
	n, err := New(o, logging.Discard())
	if err == nil {
		t.Cleanup(func() {
			n.broker.Close() //nolint:errcheck // there is nothing to save
			n.release()
		})
	}
	return n, err
}

// TestSecureOptions goes over rows 3 and 5 to 8 of nsqd-http-and-config.md 2.3.
func TestSecureOptions(t *testing.T) {
	dir := t.TempDir()
	cert, key, root := certstest.NewAuthority(t).WriteFiles(dir, "nsqd")
	rubbish := filepath.Join(dir, "rubbish")
	if err := os.WriteFile(rubbish, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	pair := []string{"--tls-cert=" + cert, "--tls-key=" + key}
	for _, c := range []struct {
		args []string
		want string // of the error; empty: none
	}{
		{nil, ""},
		{pair, ""},
		{append(pair, "--tls-required", "--tls-root-ca-file="+root, "--tls-client-auth-policy=require-verify", "--tls-min-version=TLS1.3"), ""},
		{[]string{"--max-deflate-level=0"}, "--max-deflate-level must be [1,9]"},
		{[]string{"--max-deflate-level=10"}, "--max-deflate-level must be [1,9]"},
		{pair[:1], "failed to build TLS config - open : no such file or directory"},
		{pair[1:], "failed to build TLS config - open : no such file or directory"},
		{append(pair, "--tls-root-ca-file="+rubbish), "failed to build TLS config - failed to append certificate to pool"},
		{append(pair, "--tls-root-ca-file="+dir+"/none"), "failed to build TLS config - open " + dir + "/none: no such file or directory"},
		{[]string{"--tls-required"}, "cannot require TLS client connections without TLS key and cert"},
		{[]string{"--tls-required=tcp-https"}, "cannot require TLS client connections without TLS key and cert"},
		{[]string{"--tls-client-auth-policy=whatever"}, "cannot require TLS client connections without TLS key and cert"},
		{[]string{"--tls-root-ca-file=" + rubbish}, "failed to build client TLS config - failed to append certificate to pool"},
		{[]string{"--lookupd-tls", "--lookupd-tls-root-ca-file=" + root, "--lookupd-tls-cert=" + cert, "--lookupd-tls-key=" + key}, ""},
		{[]string{"--lookupd-tls", "--lookupd-tls-root-ca-file=" + rubbish}, "--lookupd-tls: failed to append certificate to pool"},
		{[]string{"--lookupd-tls-root-ca-file=" + root}, "--lookupd-tls-… have no meaning without --lookupd-tls"},
		{[]string{"--broadcast-address-at=l:1=a", "--broadcast-address-at=l:2=::1/1/2", "--broadcast-address-at=l:3=a/1/0/3"}, ""},
		{[]string{"--broadcast-address-at=a"}, `--broadcast-address-at must be LOOKUPD=ADDRESS or LOOKUPD=ADDRESS/TCP_PORT/HTTP_PORT[/HTTPS_PORT], not "a"`},
		{[]string{"--broadcast-https-port=65536"}, "--broadcast-https-port must be 0 to 65535"},
		{[]string{"--broadcast-address-at=l=a/1/0"}, `--broadcast-address-at must be LOOKUPD=ADDRESS or LOOKUPD=ADDRESS/TCP_PORT/HTTP_PORT[/HTTPS_PORT], not "l=a/1/0"`},
		{[]string{"--broadcast-address-at=l=/1/2"}, `--broadcast-address-at must be LOOKUPD=ADDRESS or LOOKUPD=ADDRESS/TCP_PORT/HTTP_PORT[/HTTPS_PORT], not "l=/1/2"`},
		{[]string{"--broadcast-address-at=l=a/1/2/3/4"}, `--broadcast-address-at must be LOOKUPD=ADDRESS or LOOKUPD=ADDRESS/TCP_PORT/HTTP_PORT[/HTTPS_PORT], not "l=a/1/2/3/4"`},
		{[]string{"--broadcast-address-at=l=a/1"}, `--broadcast-address-at must be LOOKUPD=ADDRESS or LOOKUPD=ADDRESS/TCP_PORT/HTTP_PORT[/HTTPS_PORT], not "l=a/1"`},
		{[]string{"--broadcast-address-at=l=a/1/65536"}, `--broadcast-address-at must be LOOKUPD=ADDRESS or LOOKUPD=ADDRESS/TCP_PORT/HTTP_PORT[/HTTPS_PORT], not "l=a/1/65536"`},
		{[]string{"--auth-http-request-method=GET"}, "--auth-http-request-method must be post or get"},
		{[]string{"--auth-http-request-method=put"}, "--auth-http-request-method must be post or get"},
		{[]string{"--auth-http-address=127.0.0.1:1", "--auth-http-request-method=post"}, ""},
	} {
		n, err := start(t, c.args...)
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != "failed to instantiate nsqd - "+c.want) {
			t.Errorf("%s: %v, want %q", c.args, err, c.want)
		}
		if err == nil && (n.auth != nil) != strings.Contains(strings.Join(c.args, " "), "auth-http-address") {
			t.Errorf("%s: whether there are authorisation servers is lost", c.args)
		}
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSecureWords holds how the options of TLS are written and shown.
func TestSecureWords(t *testing.T) {
	for arg, want := range map[string][2]string{
		"--tls-required":           {"true", "2"},
		"--tls-required=1":         {"true", "2"},
		"--tls-required=F":         {"false", "0"},
		"--tls-required=TCP-https": {"tcp-https", "1"},
	} {
		o := NewOptions()
		if exit, done := (&cli.Program{Name: "nsqd", Stdout: os.Stdout, Stderr: os.Stderr}).Parse(o, []string{arg}); done {
			t.Fatalf("%s: exit %d", arg, exit)
		}
		shown, ok := cli.Value(o, "tls_required")
		if !ok || o.TLSRequired.String() != want[0] || toJSON(t, shown) != want[1] {
			t.Errorf("%s: %s, %v", arg, o.TLSRequired, shown)
		}
	}
	for word, want := range map[string]string{"": "769", "tls1.0": "769", "TLS1.3": "772"} {
		o := NewOptions()
		if err := o.TLSMinVersion.Set(word); err != nil {
			t.Fatal(err)
		}
		if shown, ok := cli.Value(o, "tls_min_version"); !ok || toJSON(t, shown) != want {
			t.Errorf("%q: %v, want %s", word, shown, want)
		}
	}
	o := NewOptions()
	if err := o.TLSMinVersion.Set("ssl3.0"); err == nil || err.Error() != `unknown tlsVersionOption "ssl3.0"` {
		t.Errorf("ssl3.0: %v", err)
	}
	if err := o.TLSRequired.Set("maybe"); err == nil {
		t.Error("maybe is taken for a mode")
	}
}

// TestPolicyRequiresTLS holds that any policy does, unless more is said.
func TestPolicyRequiresTLS(t *testing.T) {
	cert, key, _ := certstest.NewAuthority(t).WriteFiles(t.TempDir(), "nsqd")
	for _, c := range []struct {
		args []string
		want certs.Required
	}{
		{nil, certs.Optional},
		{[]string{"--tls-client-auth-policy=whatever"}, certs.Everywhere},
		{[]string{"--tls-client-auth-policy=require", "--tls-required=false"}, certs.Everywhere},
		{[]string{"--tls-client-auth-policy=require", "--tls-required=tcp-https"}, certs.ExceptHTTP},
	} {
		n, err := start(t, append(c.args, "--tls-cert="+cert, "--tls-key="+key)...)
		if err != nil || n.options.TLSRequired != c.want || n.sessions.TLSRequired != (c.want != certs.Optional) {
			t.Errorf("%s: %v", c.args, err)
		}
	}
}
