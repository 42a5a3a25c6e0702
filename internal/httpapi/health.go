package httpapi

import (
	"net/http"
	"strings"

	"github.com/julienschmidt/httprouter"
)

// Check is one thing that must hold before a daemon is of use.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Reason is why it does not hold.
	Reason string `json:"reason,omitempty"`
}

// Checked returns the check of this name, which holds if err is nil.
func Checked(name string, err error) Check {
	if err != nil {
		return Check{Name: name, Reason: err.Error()}
	}
	return Check{Name: name, OK: true}
}

// readiness is the answer of /readyz.
type readiness struct {
	Ready  bool    `json:"ready"`
	Reason string  `json:"reason,omitempty"`
	Checks []Check `json:"checks"`
}

// Health adds the routes for probes, below base: /healthz tells that the daemon
// answers at all, /readyz that every check holds, else it has status 503. They
// leave no lines in the access log.
func (r *Router) Health(base string, checks func() []Check) {
	r.Silent(http.MethodGet, base+"/healthz", func(http.ResponseWriter, *http.Request, httprouter.Params) (any, error) {
		return map[string]string{"status": "alive"}, nil
	})
	r.Silent(http.MethodGet, base+"/readyz", func(http.ResponseWriter, *http.Request, httprouter.Params) (any, error) {
		answer := readiness{Ready: true, Checks: checks()}
		var reasons []string
		for _, c := range answer.Checks {
			if !c.OK {
				answer.Ready = false
				reasons = append(reasons, c.Name+": "+c.Reason)
			}
		}
		if answer.Ready {
			return answer, nil
		}
		answer.Reason = strings.Join(reasons, "; ")
		return nil, &Error{Status: http.StatusServiceUnavailable, Body: mustJSON(answer)}
	})
}
