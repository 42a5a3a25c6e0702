package login

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"
)

const (
	cookieName  = "nsqadmin_session"
	sessionTime = 12 * time.Hour
	maxSessions = 10_000
)

type session struct {
	user  User
	until time.Time
}

// Sessions remember which browser belongs to whom, until nsqadmin ends. They
// are safe for concurrent use.
type Sessions struct {
	path string // of the cookie

	mu   sync.Mutex
	open map[string]session // by token
}

// NewSessions returns Sessions whose cookie is sent to URLs below path.
func NewSessions(path string) *Sessions {
	if path == "" {
		path = "/"
	}
	return &Sessions{path: path, open: map[string]session{}}
}

// Begin gives the browser a session of a user.
func (s *Sessions) Begin(w http.ResponseWriter, r *http.Request, u User) {
	token := rand.Text()
	now := time.Now()
	s.mu.Lock()
	for t, o := range s.open {
		if now.After(o.until) || len(s.open) >= maxSessions {
			delete(s.open, t)
		}
	}
	s.open[token] = session{u, now.Add(sessionTime)}
	s.mu.Unlock()
	s.cookie(w, r, token, int(sessionTime.Seconds()))
}

// End ends the browser's session.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		s.mu.Lock()
		delete(s.open, c.Value)
		s.mu.Unlock()
	}
	s.cookie(w, r, "", -1)
}

// Of returns whose session a request belongs to.
func (s *Sessions) Of(r *http.Request) (User, bool) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return User{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.open[c.Value]
	if !ok || time.Now().After(o.until) {
		return User{}, false
	}
	return o.user, true
}

func (s *Sessions) cookie(w http.ResponseWriter, r *http.Request, value string, age int) {
	secure := r.TLS != nil || r.Header.Get("X-Scheme") == "https" || r.Header.Get("X-Forwarded-Proto") == "https"
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: value, Path: s.path, MaxAge: age, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode})
}
