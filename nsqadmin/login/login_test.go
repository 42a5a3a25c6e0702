package login

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func hash(t *testing.T, password string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

func TestUsers(t *testing.T) {
	if u, err := ParseUsers(nil); u != nil || err != nil {
		t.Errorf("no users are %v, %v", u, err)
	}
	for _, wrong := range []string{"", "bob", "bob:admin", ":admin:" + hash(t, "x"), "bob:root:" + hash(t, "x"), "bob:read:plain"} {
		if _, err := ParseUsers([]string{wrong}); err == nil {
			t.Errorf("%q is taken", wrong)
		} else if strings.Contains(err.Error(), "$2a$") {
			t.Errorf("the error shows the hash: %v", err)
		}
	}
	apache := strings.Replace(hash(t, "b"), "$2a$", "$2y$", 1)
	users, err := ParseUsers([]string{"alice:admin:" + hash(t, "a"), "bob:read:" + apache})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is remembered
		for _, c := range []struct {
			name, password string
			ok, admin      bool
		}{{"alice", "a", true, true}, {"bob", "b", true, false}, {"alice", "b", false, false}, {"eve", "a", false, false}, {"", "", false, false}} {
			if u, ok := users.Check(c.name, c.password); ok != c.ok || u.Admin != c.admin {
				t.Errorf("%s with %q: %v, %v", c.name, c.password, u, ok)
			}
		}
	}
}

func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSessions("/b")
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil)
		r.Header.Set("X-Forwarded-Proto", "https")
		s.Begin(w, r, User{"bob", true})
		c := w.Result().Cookies()[0]
		if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/b" || len(c.Value) < 20 {
			t.Errorf("the cookie is %v", c)
		}
		back := httptest.NewRequest("GET", "/", nil)
		if _, ok := s.Of(back); ok {
			t.Error("anybody has a session")
		}
		back.AddCookie(c)
		if u, ok := s.Of(back); !ok || u.Name != "bob" {
			t.Errorf("the session is of %v", u)
		}
		<-time.After(sessionTime + time.Second)
		if _, ok := s.Of(back); ok {
			t.Error("the session lasts for ever")
		}
		s.Begin(httptest.NewRecorder(), r, User{"eve", false})
		if len(s.open) != 1 {
			t.Errorf("%d sessions are kept", len(s.open))
		}
		s.End(httptest.NewRecorder(), back)
	})
}
