package tcpserve

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"nsqsuite/internal/logging"
)

func TestListen(t *testing.T) {
	t.Chdir(t.TempDir())
	for address, network := range map[string]string{"127.0.0.1:0": "tcp", "./a.sock": "unix", "4150": "unix"} {
		ln, err := Listen(address)
		if err != nil {
			t.Fatal(err)
		}
		if ln.Addr().Network() != network {
			t.Errorf("%s: %s", address, ln.Addr().Network())
		}
		ln.Close()
		if _, err := os.Stat(address); network == "unix" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", address, err)
		}
	}
	if _, err := Listen("127.0.0.1:x"); err == nil || !strings.HasPrefix(err.Error(), "listen (127.0.0.1:x) failed - ") {
		t.Errorf("%v", err)
	}
}

// TestListenWhereSomethingIs has a socket that is in use, one that a crash left, and a file.
func TestListenWhereSomethingIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nsqd.sock")
	first, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a socket in use: %v", err)
	}
	first.(*net.UnixListener).SetUnlinkOnClose(false)
	first.Close()
	second, err := Listen(path)
	if err != nil {
		t.Fatalf("a socket that a crash left: %v", err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	second.Close()
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a file: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("the file is %q, %v", text, err)
	}
}

type handler func() bool

func (h handler) Handle() bool { return h() }

// TestHandleAgain has a handler that is called until it has done, and then no more.
func TestHandleAgain(t *testing.T) {
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	s := New(ln, logging.Discard(), func(c net.Conn) Handler {
		return handler(func() bool {
			calls++
			fmt.Fprintln(c, calls)
			return calls < 3
		})
	})
	served := make(chan error)
	go func() { served <- s.Serve() }()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if text, err := io.ReadAll(conn); err != nil || string(text) != "1\n2\n3\n" {
		t.Errorf("read %q, %v", text, err)
	}
	s.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// TestClose has connections in handlers that wait for input: Close ends them all.
func TestClose(t *testing.T) {
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open atomic.Int32
	var in sync.WaitGroup
	in.Add(3)
	s := New(ln, logging.Discard(), func(c net.Conn) Handler {
		return handler(func() bool {
			open.Add(1)
			in.Done()
			c.Read(make([]byte, 1)) //nolint:errcheck // all that counts is that it returns
			open.Add(-1)
			return false
		})
	})
	served := make(chan error)
	go func() { served <- s.Serve() }()
	for range 3 {
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	in.Wait()
	s.Close()
	if n := open.Load(); n != 0 {
		t.Errorf("%d handlers run after Close", n)
	}
	if err := <-served; err != nil {
		t.Errorf("%v", err)
	}
}

// failing is a listener that runs out of descriptors, then breaks.
type failing struct {
	net.Listener
	errs []error
}

func (f *failing) Accept() (net.Conn, error) {
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, err
}

func TestAcceptFails(t *testing.T) {
	broken := errors.New("broken")
	s := New(&failing{errs: []error{syscall.EMFILE, syscall.ECONNABORTED, broken}}, logging.Discard(), nil)
	if err := s.Serve(); !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "listener.Accept() error - ") {
		t.Errorf("%v", err)
	}
}
