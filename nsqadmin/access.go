package nsqadmin

import (
	"net/http"
	"slices"
)

// access says who may do what (nsqadmin.md 9).
type access struct {
	header string   // names the user; a trusted proxy sets it
	admins []string // empty: everybody
}

// visitor is who a request comes from.
type visitor struct {
	Name  string // "" if it does not say
	Admin bool
}

func (a *access) who(r *http.Request) visitor {
	v := visitor{Name: r.Header.Get(a.header), Admin: len(a.admins) == 0}
	v.Admin = v.Admin || slices.Contains(a.admins, v.Name)
	return v
}
