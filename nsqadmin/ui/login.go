package ui

import (
	"bytes"
	"net/http"

	"github.com/julienschmidt/httprouter"
)

// Login is nsqadmin's own login. Both return false if it fails.
type Login struct {
	In  func(w http.ResponseWriter, r *http.Request, name, password string) bool
	Out func(w http.ResponseWriter, r *http.Request)
}

// loginData is the form that logs in.
type loginData struct {
	Name, Back string
	Failed     bool
	Prefs      prefs
}

func (u *UI) loginForm(w http.ResponseWriter, r *http.Request, _ httprouter.Params) int {
	return u.drawLogin(w, loginData{Back: r.URL.Query().Get("back"), Prefs: prefsOf(r)}, http.StatusOK)
}

func (u *UI) drawLogin(w http.ResponseWriter, d loginData, status int) int {
	var body bytes.Buffer
	if err := u.login.Execute(&body, d); err != nil {
		u.log.Errorf("drawing the login: %s", err)
		http.Error(w, "INTERNAL_ERROR", http.StatusInternalServerError)
		return http.StatusInternalServerError
	}
	u.headers(w)
	w.WriteHeader(status)
	w.Write(body.Bytes()) //nolint:errcheck // the client is gone: nobody to tell
	return status
}

func (u *UI) logIn(w http.ResponseWriter, r *http.Request, _ httprouter.Params) int {
	if err := readForm(w, r); err != nil {
		http.Error(w, "INVALID_REQUEST", http.StatusBadRequest)
		return http.StatusBadRequest
	}
	d := loginData{Name: r.PostForm.Get("name"), Back: r.PostForm.Get("back"), Prefs: prefsOf(r), Failed: true}
	if !u.config.Login.In(w, r, d.Name, r.PostForm.Get("password")) {
		u.log.Warnf("login of %.64q from %s failed", d.Name, r.RemoteAddr)
		return u.drawLogin(w, d, http.StatusUnauthorized)
	}
	return u.back(w, r, d.Back, u.link())
}

func (u *UI) logOut(w http.ResponseWriter, r *http.Request, _ httprouter.Params) int {
	u.config.Login.Out(w, r)
	return u.back(w, r, "", u.link("login"))
}
