package tohttp

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"

	"nsqsuite/internal/tools/target"
)

// server answers requests with a status, and remembers them.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	seen   []string
	last   *http.Request
}

func serve(t *testing.T, status int) *server {
	s := &server{status: status}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = r
	s.seen = append(s.seen, fmt.Sprintf("%s %s %s", r.Method, r.RequestURI, body))
	if s.status/100 == 3 {
		w.Header().Set("Location", "/there")
		w.WriteHeader(s.status)
		s.status = 200
		return
	}
	w.WriteHeader(s.status)
}

// send sends a message as the options say.
func send(t *testing.T, body string, change func(*Options)) error {
	t.Helper()
	return handler(t, change).HandleMessage(nsq.NewMessage(nsq.MessageID{}, []byte(body)))
}

func handler(t *testing.T, change func(*Options)) *sender {
	t.Helper()
	o := NewOptions()
	o.Topic, o.Nsqds = "t", []string{"127.0.0.1:1"}
	change(o)
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	s, err := newSender(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPost(t *testing.T) {
	s := serve(t, 201)
	err := send(t, "a body", func(o *Options) {
		o.Post, o.Headers = []string{s.URL + "/in?x=%s"}, []string{"x-one: 1", "X-Two:2:3", "X-ONE : again", "Host: elsewhere"}
	})
	h := s.last.Header
	if err != nil || s.seen[0] != "POST /in?x=%s a body" || h.Get("Content-Type") != "application/octet-stream" ||
		!strings.HasPrefix(h.Get("User-Agent"), "nsq_to_http v1.3.") || h.Get("X-One") != "again" || h.Get("X-Two") != "2:3" ||
		s.last.ContentLength != 6 || s.last.Host == "elsewhere" {
		t.Errorf("%v, %q, %v", err, s.seen, s.last)
	}
	err = send(t, "", func(o *Options) {
		o.Post, o.Headers, o.ContentType = []string{s.URL}, []string{"User-Agent: me", "Content-Type: b/c"}, "a/b"
	})
	if err != nil || s.last.Header.Get("User-Agent") != "me" || s.last.Header.Get("Content-Type") != "b/c" {
		t.Errorf("%v, %v", err, s.last.Header)
	}
}

func TestGet(t *testing.T) {
	s := serve(t, 200)
	err := send(t, "a b&c%/ä", func(o *Options) { o.Get = []string{s.URL + "/p%20q?m=%s&x=100%%25"} })
	if want := "GET /p%20q?m=a+b%26c%25%2F%C3%A4&x=100%25 "; err != nil || s.seen[0] != want {
		t.Errorf("%v, %q, want %q", err, s.seen, want)
	}
}

func TestWhatCountsAsSuccess(t *testing.T) {
	for _, c := range []struct {
		status    int
		post, get bool
	}{{200, true, true}, {204, true, false}, {299, true, false}, {302, true, true}, {400, false, false}, {404, false, false}, {500, false, false}} {
		s := serve(t, c.status)
		post := send(t, "m", func(o *Options) { o.Post = []string{s.URL} })
		s.status = c.status
		get := send(t, "m", func(o *Options) { o.Get = []string{s.URL + "/%s"} })
		if (post == nil) != c.post || (get == nil) != c.get {
			t.Errorf("%d: POST %v, GET %v", c.status, post, get)
		}
		if want := fmt.Sprintf("got status code %d", c.status); post != nil && post.Error() != want {
			t.Errorf("%q, want %q", post, want)
		}
	}
}

func TestServerThatHangs(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer s.Close()
	defer close(release)
	err := send(t, "m", func(o *Options) { o.Post, o.RequestTimeout = []string{s.URL}, 30*time.Millisecond })
	if err == nil || !strings.Contains(err.Error(), "Timeout") {
		t.Errorf("%v", err)
	}
}

func TestModes(t *testing.T) {
	for mode, want := range map[target.Mode][]int{target.RoundRobin: {2, 2, 2}, target.HostPool: {3, 1, 2}, target.All: {6, 6, 0}} {
		servers := []*server{serve(t, 200), serve(t, 500), serve(t, 200)}
		h := handler(t, func(o *Options) {
			o.Mode = mode
			for _, s := range servers {
				o.Post = append(o.Post, s.URL)
			}
		})
		failed := 0
		for range 6 {
			if h.HandleMessage(nsq.NewMessage(nsq.MessageID{}, []byte("m"))) != nil {
				failed++
			}
		}
		var got []int
		for _, s := range servers {
			got = append(got, len(s.seen))
		}
		if !slices.Equal(got, want) || failed != got[1] {
			t.Errorf("%s: %v, want %v; %d failed", mode, got, want, failed)
		}
	}
}

func TestSample(t *testing.T) {
	s := serve(t, 200)
	for _, c := range []struct {
		share       Share
		least, most int
	}{{0, 0, 0}, {0.5, 100, 300}, {1, 400, 400}} {
		s.seen = nil
		h := handler(t, func(o *Options) { o.Post, o.Sample = []string{s.URL}, c.share })
		for range 400 {
			if err := h.HandleMessage(nsq.NewMessage(nsq.MessageID{}, nil)); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(s.seen); n < c.least || n > c.most {
			t.Errorf("%v: %d of 400 sent", c.share, n)
		}
	}
}
