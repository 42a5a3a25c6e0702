package ui

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"
)

// prefs is how a visitor wants the pages; the browser keeps it in cookies.
type prefs struct {
	Theme   string // "", light or dark
	Density string // "" or compact
	Live    string // how often the page updates: one of liveWords
	Columns []string
}

// Values of the cookies.
const (
	prefLifetime = 365 * 24 * time.Hour
	cookieTheme  = "nsqadmin_theme"
	cookieDense  = "nsqadmin_density"
	cookieLive   = "nsqadmin_live"
	cookieCols   = "nsqadmin_columns"
)

var (
	themeWords   = []string{"", "light", "dark"}
	densityWords = []string{"", "compact"}
	liveWords    = []string{"live", "5", "30", "paused"}
)

func prefsOf(r *http.Request) prefs {
	one := func(cookie string, words []string) string {
		if c, err := r.Cookie(cookie); err == nil && slices.Contains(words, c.Value) {
			return c.Value
		}
		return words[0]
	}
	p := prefs{Theme: one(cookieTheme, themeWords), Density: one(cookieDense, densityWords), Live: one(cookieLive, liveWords)}
	if c, err := r.Cookie(cookieCols); err == nil {
		p.Columns = strings.Split(c.Value, ".")
	}
	return p
}

// setPrefs keeps what a form says and goes back to where it was.
func (u *UI) setPrefs(w http.ResponseWriter, r *http.Request, _ httprouter.Params) int {
	if err := readForm(w, r); err != nil {
		http.Error(w, "INVALID_REQUEST", http.StatusBadRequest)
		return http.StatusBadRequest
	}
	set := func(cookie, value string) {
		path := u.config.BasePath
		if path == "" {
			path = "/"
		}
		http.SetCookie(w, &http.Cookie{Name: cookie, Value: value, Path: path, MaxAge: int(prefLifetime.Seconds()), SameSite: http.SameSiteLaxMode, HttpOnly: true})
	}
	for field, words := range map[string][]string{cookieTheme: themeWords, cookieDense: densityWords, cookieLive: liveWords} {
		if v := r.PostForm.Get(field); r.PostForm.Has(field) && slices.Contains(words, v) {
			set(field, v)
		}
	}
	if r.PostForm.Has("columns") {
		var chosen []string
		for _, c := range topicColumns {
			if slices.Contains(r.PostForm[cookieCols], c.Name) {
				chosen = append(chosen, c.Name)
			}
		}
		set(cookieCols, strings.Join(chosen, "."))
	}
	return u.back(w, r, r.PostForm.Get("back"), u.link("settings"))
}

// back redirects to a page of ours, or else to another.
func (u *UI) back(w http.ResponseWriter, r *http.Request, to, orElse string) int {
	if at, err := url.Parse(to); err != nil || to == "" || at.IsAbs() || at.Host != "" || !strings.HasPrefix(at.Path, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
		to = orElse
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return http.StatusSeeOther
}

// maxForm is how many bytes a form may have.
const maxForm = 1 << 20

func readForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	return r.ParseForm()
}
