package access

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/BurntSushi/toml"

	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/logging"
)

// lookEvery is how often at most the file is looked at for changes.
const lookEvery = time.Second

// The classes of requests.
const (
	read    = "read"
	publish = "publish"
	admin   = "admin"
)

// rules is the file.
type rules struct {
	Anybody []string `toml:"anybody"`
	Clients []client `toml:"client"`
}

type client struct {
	Name        string   `toml:"name"`
	Token       string   `toml:"token_sha256"`
	Certificate string   `toml:"certificate"`
	May         []string `toml:"may"`
}

// Guard lets requests pass that the file allows. It is safe for concurrent use.
type Guard struct {
	path string
	log  *logging.Logger

	mu       sync.Mutex
	rules    *rules
	modified time.Time // of the file
	looked   time.Time
}

// Load returns a guard by the file at path.
func Load(path string, log *logging.Logger) (*Guard, error) {
	g := &Guard{path: path, log: log, looked: time.Now()}
	if err := g.load(); err != nil {
		return nil, err
	}
	return g, nil
}

// load reads the file, if it has changed.
func (g *Guard) load() error {
	info, err := os.Stat(g.path)
	if err != nil || info.ModTime().Equal(g.modified) {
		return err
	}
	g.modified = info.ModTime() // even if it is no good: it need not be read again
	r := new(rules)
	meta, err := toml.DecodeFile(g.path, r)
	if err != nil {
		return fmt.Errorf("%s: %w", g.path, err)
	}
	if odd := meta.Undecoded(); len(odd) > 0 {
		return fmt.Errorf("%s: there is no setting %s", g.path, odd[0])
	}
	if err := r.check(); err != nil {
		return fmt.Errorf("%s: %w", g.path, err)
	}
	g.rules = r
	return nil
}

func (r *rules) check() error {
	if err := known(r.Anybody); err != nil {
		return fmt.Errorf("anybody: %w", err)
	}
	for i := range r.Clients {
		c := &r.Clients[i]
		c.Token = strings.ToLower(c.Token)
		sum, err := hex.DecodeString(c.Token)
		switch {
		case (c.Token == "") == (c.Certificate == ""):
			err = fmt.Errorf("needs either token_sha256 or certificate")
		case c.Token != "" && (err != nil || len(sum) != sha256.Size):
			err = fmt.Errorf("token_sha256 is not 64 hexadecimal digits")
		default:
			err = known(c.May)
		}
		if err != nil {
			return fmt.Errorf("client %q: %w", c.Name, err)
		}
	}
	return nil
}

func known(classes []string) error {
	for _, c := range classes {
		if c != read && c != publish && c != admin {
			return fmt.Errorf("%q is neither %s nor %s nor %s", c, read, publish, admin)
		}
	}
	return nil
}

// current returns what is in force.
func (g *Guard) current() *rules {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); now.Sub(g.looked) >= lookEvery {
		g.looked = now
		before := g.modified
		if err := g.load(); err != nil {
			g.log.Errorf("who may use the HTTP API stays as it was - %s", err)
		} else if !before.Equal(g.modified) {
			g.log.Infof("who may use the HTTP API was read anew from %s", g.path)
		}
	}
	return g.rules
}

var (
	unknown   = httpapi.Refused(http.StatusUnauthorized, "UNAUTHORIZED")
	forbidden = httpapi.Refused(http.StatusForbidden, "FORBIDDEN")
)

// Wrap returns a handler that passes to h what the file allows; a nil guard
// allows everything. Others learn 401, or 403 if they are known.
func (g *Guard) Wrap(h http.Handler) http.Handler {
	if g == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		class := classify(r)
		rules := g.current()
		if class == "" || slices.Contains(rules.Anybody, class) {
			h.ServeHTTP(w, r)
			return
		}
		c := rules.who(r.Header.Get("Authorization"), commonName(r.TLS))
		switch {
		case c == nil:
			w.Header().Set("WWW-Authenticate", "Bearer")
			unknown.ServeHTTP(w, r)
		case slices.Contains(c.May, class):
			h.ServeHTTP(w, r)
		default:
			g.log.Warnf("%s may not %s %s", c.Name, r.Method, r.URL.Path)
			forbidden.ServeHTTP(w, r)
		}
	})
}

// classify returns the class of a request; empty: it is open to everybody.
// Paths are compared in lower case and without an end slash, as the router
// redirects what differs in that.
func classify(r *http.Request) string {
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch path := strings.TrimSuffix(strings.ToLower(r.URL.Path), "/"); {
	case get && (path == "/ping" || path == "/healthz" || path == "/readyz"):
		return ""
	case path == "/pub" || path == "/mpub":
		return publish
	case !get || path == "/channel/peek" || strings.HasPrefix(path, "/debug/"):
		return admin
	}
	return read
}

// MayPublish tells whether Wrap would let a request to publish pass that comes
// in clear with this Authorization.
func (g *Guard) MayPublish(authorization string) bool {
	if g == nil {
		return true
	}
	rules := g.current()
	if slices.Contains(rules.Anybody, publish) {
		return true
	}
	c := rules.who(authorization, "")
	return c != nil && slices.Contains(c.May, publish)
}

// who returns who a request comes from with this Authorization and name in the
// certificate, which is empty if there is none, or nil.
func (r *rules) who(authorization, name string) *client {
	scheme, token, _ := strings.Cut(authorization, " ")
	sum := sha256.Sum256([]byte(token))
	word := hex.EncodeToString(sum[:])
	for i := range r.Clients {
		c := &r.Clients[i]
		// Comparing sums tells nothing of the token, however long it takes.
		if c.Token != "" && c.Token == word && strings.EqualFold(scheme, "Bearer") || c.Certificate != "" && c.Certificate == name {
			return c
		}
	}
	return nil
}

// commonName returns the name of the certificate that the client has shown, if it was verified.
func commonName(s *tls.ConnectionState) string {
	if s == nil || len(s.VerifiedChains) == 0 {
		return ""
	}
	return s.VerifiedChains[0][0].Subject.CommonName
}
