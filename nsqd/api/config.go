package api

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/httpapi"
)

// ErrNotSettable is returned by Config.SetOption for options that cannot be changed at run time.
var ErrNotSettable = errors.New("option cannot be changed")

func (a *API) getConfig(_ http.ResponseWriter, _ *http.Request, p httprouter.Params) (any, error) {
	v, ok := a.Option(p.ByName("opt"))
	if !ok {
		return nil, httpapi.BadRequest("INVALID_OPTION")
	}
	return v, nil
}

func (a *API) putConfig(_ http.ResponseWriter, r *http.Request, p httprouter.Params) (any, error) {
	body, err := httpapi.ReadBody(r, a.MaxMsgSize)
	switch {
	case errors.Is(err, httpapi.ErrBodyTooLarge) || err == nil && len(body) == 0:
		return nil, httpapi.TooLarge("INVALID_VALUE")
	case err != nil:
		return nil, httpapi.ErrInternal
	}
	v, err := a.SetOption(p.ByName("opt"), body)
	switch {
	case errors.Is(err, ErrNotSettable):
		return nil, httpapi.BadRequest("INVALID_OPTION")
	case err != nil:
		return nil, httpapi.BadRequest("INVALID_VALUE")
	}
	return v, nil
}

// maxForm is how many bytes of a form are read.
const maxForm = 4 << 10

// setBlockRate sets how many ns of blocking the profiler samples once.
func setBlockRate(w http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	rate, err := strconv.Atoi(r.FormValue("rate"))
	if err != nil {
		return nil, httpapi.BadRequest(fmt.Sprintf("invalid block rate : %s", err))
	}
	runtime.SetBlockProfileRate(rate)
	return nil, nil
}

func freeMemory(http.ResponseWriter, *http.Request, httprouter.Params) (any, error) {
	debug.FreeOSMemory()
	return nil, nil
}
