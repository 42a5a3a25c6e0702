package nsqadmin

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/cli"
	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/logging"
)

// The options that can be changed while nsqadmin runs, and the bytes a new value may have.
const (
	optLookupds    = "nsqlookupd_http_addresses"
	optLogLevel    = "log_level"
	maxOptionValue = 1 << 20
)

// config reads and changes options (nsqadmin.md 8).
func (a *NSQAdmin) config(_ http.ResponseWriter, r *http.Request, p httprouter.Params) (any, error) {
	if err := a.mayConfigure(r); err != nil {
		return nil, err
	}
	name := p.ByName("opt")
	if r.Method == http.MethodPut {
		if err := a.setOption(name, r); err != nil {
			return nil, err
		}
	}
	switch name {
	case optLookupds:
		return a.cluster.Lookupds(), nil
	case optLogLevel:
		return a.log.Level(), nil
	}
	if name == "users" { // hashes are for nobody's eyes
		return nil, httpapi.BadRequest("INVALID_OPTION")
	}
	v, ok := cli.Value(a.options, name)
	if !ok {
		return nil, httpapi.BadRequest("INVALID_OPTION")
	}
	return v, nil
}

func (a *NSQAdmin) mayConfigure(r *http.Request) error {
	if a.settings.config == nil {
		return nil
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		a.log.Errorf("failed to parse RemoteAddr %s", r.RemoteAddr)
		return httpapi.BadRequest("INVALID_REMOTE_ADDR")
	}
	ip := net.ParseIP(host)
	if ip == nil {
		a.log.Errorf("failed to parse RemoteAddr %s", r.RemoteAddr)
		return httpapi.BadRequest("INVALID_REMOTE_ADDR")
	}
	if !a.settings.config.Contains(ip) {
		return errForbidden
	}
	return nil
}

func (a *NSQAdmin) setOption(name string, r *http.Request) error {
	body, err := httpapi.ReadBody(r, maxOptionValue)
	switch {
	case errors.Is(err, httpapi.ErrBodyTooLarge) || err == nil && len(body) == 0:
		return httpapi.TooLarge("INVALID_VALUE")
	case err != nil:
		return httpapi.ErrInternal
	}
	switch name {
	case optLookupds:
		list := []string{}
		if json.Unmarshal(body, &list) != nil {
			return httpapi.BadRequest("INVALID_VALUE")
		}
		a.cluster.SetLookupds(append([]string{}, list...))
	case optLogLevel:
		level, err := logging.ParseLevel(strings.TrimSpace(string(body)))
		if err != nil {
			return httpapi.BadRequest("INVALID_VALUE")
		}
		a.log.SetLevel(level)
	default:
		return httpapi.BadRequest("INVALID_OPTION")
	}
	return nil
}
