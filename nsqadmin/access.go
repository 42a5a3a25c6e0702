package nsqadmin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"nsqsuite/internal/httpapi"
	"nsqsuite/nsqadmin/login"
)

// access says who may do what (nsqadmin.md 9).
type access struct {
	header   string       // names the user; a trusted proxy sets it
	admins   []string     // empty: everybody
	users    *login.Users // if there are any, they must log in, and nothing else counts
	sessions *login.Sessions
	basePath string
}

// visitor is who a request comes from.
type visitor struct {
	Name     string // "" if it does not say
	Admin    bool
	LoggedIn bool
}

func (a *access) who(r *http.Request) visitor {
	if a.users != nil {
		v, _ := a.loggedIn(r)
		return v
	}
	v := visitor{Name: r.Header.Get(a.header), Admin: len(a.admins) == 0}
	v.Admin = v.Admin || slices.Contains(a.admins, v.Name)
	return v
}

// loggedIn returns who has logged in, by a session or with this very request.
func (a *access) loggedIn(r *http.Request) (visitor, bool) {
	if u, ok := a.sessions.Of(r); ok {
		return visitor{Name: u.Name, Admin: u.Admin, LoggedIn: true}, true
	}
	if name, password, ok := r.BasicAuth(); ok {
		u, ok := a.users.Check(name, password)
		return visitor{Name: u.Name, Admin: u.Admin}, ok
	}
	return visitor{}, false
}

// open are the paths that need no login: to see that nsqadmin lives, to log in,
// and /config, which has a guard of its own.
func (a *access) open(path string) bool {
	path = strings.TrimPrefix(path, a.basePath)
	for _, prefix := range []string{"/static/", "/fonts/", "/config/"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return slices.Contains([]string{"/ping", "/healthz", "/readyz", "/login"}, path)
}

// guard lets nobody pass who has not logged in, if one must.
func (a *access) guard(h http.Handler) http.Handler {
	if a.users == nil {
		return h
	}
	refuse := httpapi.Refused(http.StatusUnauthorized, "UNAUTHORIZED")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.open(r.URL.Path) {
			h.ServeHTTP(w, r)
			return
		}
		if _, ok := a.loggedIn(r); ok {
			h.ServeHTTP(w, r)
			return
		}
		if r.Method != http.MethodGet || r.URL.Path == a.basePath+"/metrics" || strings.HasPrefix(r.URL.Path, a.basePath+"/api/") {
			w.Header().Set("WWW-Authenticate", `Basic realm="nsqadmin"`)
			refuse.ServeHTTP(w, r)
			return
		}
		http.Redirect(w, r, a.basePath+"/login?back="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
	})
}
