package ui

import (
	"bytes"
	"embed"
	"io/fs"
	"net/http"
	"path"
	"time"

	"github.com/julienschmidt/httprouter"
)

// The style sheets, by subject; and what the script is built to, which git does
// not keep.
//
//go:embed css/*.css
var cssFiles embed.FS

//go:embed static
var staticFiles embed.FS

//go:embed all:web/dist
var distFiles embed.FS

// The files that the pages ask for.
const (
	scriptFile = "nsqadmin.js"
	styleFile  = "nsqadmin.css"
)

// assets is a flat folder of all static files. The style sheet is all parts in
// the order of their names.
type assets struct{ dist fs.FS }

func builtIn() fs.FS {
	dist, err := fs.Sub(distFiles, "web/dist")
	if err != nil {
		panic(err) // it is embedded
	}
	return assets{dist}
}

// Open is fs.FS.
func (a assets) Open(name string) (fs.File, error) {
	if name != styleFile {
		return a.dist.Open(name)
	}
	return nil, fs.ErrNotExist
}

// ReadFile is fs.ReadFileFS.
func (a assets) ReadFile(name string) ([]byte, error) {
	if name != styleFile {
		if text, err := staticFiles.ReadFile("static/" + name); err == nil {
			return text, nil
		}
		return fs.ReadFile(a.dist, name)
	}
	parts, err := fs.Glob(cssFiles, "css/*.css")
	if err != nil {
		return nil, err
	}
	var sheet bytes.Buffer
	for _, part := range parts {
		text, err := cssFiles.ReadFile(part)
		if err != nil {
			return nil, err
		}
		sheet.Write(text)
	}
	return sheet.Bytes(), nil
}

// asset serves a static file of the one flat folder.
func (u *UI) asset(w http.ResponseWriter, r *http.Request, p httprouter.Params) int {
	body, err := fs.ReadFile(u.static, path.Base(p.ByName("asset")))
	if err != nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		w.Write([]byte("NOT_FOUND")) //nolint:errcheck // the client is gone: nobody to tell
		return http.StatusNotFound
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "public, max-age=300")
	http.ServeContent(w, r, p.ByName("asset"), time.Time{}, bytes.NewReader(body))
	return http.StatusOK
}
