package ui

import "strconv"

// pager is where a page of a long list stands.
type pager struct {
	Page, Pages    int
	Previous, Next string // "" if there is none
	From, To       int    // the part of the list that the page shows
}

// pager returns which part of a list of n things the URL asks for, at most so many of them.
func (u *UI) pager(r *request, n, most int) pager {
	p := pager{Pages: max(1, (n+most-1)/most)}
	p.Page, _ = strconv.Atoi(r.URL.Query().Get("page")) // what is no number is the first
	p.Page = min(max(1, p.Page), p.Pages)
	if p.Page > 1 {
		p.Previous = u.with(r, "page", strconv.Itoa(p.Page-1))
	}
	if p.Page < p.Pages {
		p.Next = u.with(r, "page", strconv.Itoa(p.Page+1))
	}
	p.From, p.To = (p.Page-1)*most, min(n, p.Page*most)
	return p
}
