package nsqadmin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/httpapi"
)

// maxSeries is how many bytes of Graphite's answer to a question for one rate are read.
const maxSeries = 1 << 20

// graphiteAPI adds the rate of a target and, if it is wanted, the proxy (nsqadmin.md 11).
func (a *NSQAdmin) graphiteAPI(r *httpapi.Router) {
	r.V1(http.MethodGet, a.settings.basePath+"/api/graphite", a.rate)
	if a.options.ProxyGraphite {
		r.Handler(http.MethodGet, a.settings.basePath+"/render", a.graphiteProxy())
	}
}

func (a *NSQAdmin) graphiteTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: a.options.ConnectTimeout}
	return &http.Transport{DialContext: dialer.DialContext, ResponseHeaderTimeout: a.options.RequestTimeout}
}

// graphiteProxy passes <base>/render on to <graphite URL>/render.
func (a *NSQAdmin) graphiteProxy() http.Handler {
	return &httputil.ReverseProxy{
		Transport: a.graphiteTransport(),
		Rewrite: func(p *httputil.ProxyRequest) {
			to := a.settings.graphite.JoinPath("render")
			p.Out.URL.Scheme, p.Out.URL.Host, p.Out.URL.Path, p.Out.URL.RawPath = to.Scheme, to.Host, to.Path, to.RawPath
			p.Out.Host = p.In.Host
			if user := to.User; user != nil {
				password, _ := user.Password()
				p.Out.SetBasicAuth(user.Username(), password)
			}
			p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
			p.SetXForwarded()
			p.Out.Header.Del("X-Forwarded-Host")
			p.Out.Header.Del("X-Forwarded-Proto")
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			a.log.Errorf("graphite request failed - %s", err)
			w.WriteHeader(http.StatusBadGateway)
		},
	}
}

// rate asks Graphite for a target's latest value and answers it by second.
func (a *NSQAdmin) rate(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	q, err := httpapi.Query(r, a.log)
	switch {
	case err != nil:
		return nil, err
	case q.Get("metric") != "rate":
		return nil, httpapi.BadRequest("INVALID_ARG_METRIC")
	case !q.Has("target"):
		return nil, httpapi.BadRequest("INVALID_ARG_TARGET")
	}
	value, err := a.latest(r.Context(), q.Get("target"))
	if err != nil {
		a.log.Errorf("graphite request failed - %s", err)
		return nil, httpapi.ErrInternal
	}
	answer := struct {
		Rate string `json:"rate"`
	}{"N/A"}
	if value >= 0 {
		answer.Rate = strconv.FormatFloat(value/a.options.StatsdInterval.Seconds(), 'f', 2, 64)
	}
	return answer, nil
}

var errNoSeries = errors.New("the answer has no data point")

// latest returns the first data point that Graphite has of the last two intervals.
func (a *NSQAdmin) latest(ctx context.Context, target string) (float64, error) {
	interval := int(a.options.StatsdInterval.Seconds())
	at, err := url.Parse(a.options.GraphiteURL)
	if err != nil {
		return 0, err
	}
	at = at.JoinPath("render")
	at.RawQuery = url.Values{
		"format": {"json"}, "target": {target},
		"from": {fmt.Sprintf("-%dsec", 2*interval)}, "until": {fmt.Sprintf("-%dsec", interval)},
	}.Encode()
	a.log.Infof("GRAPHITE: %s", at.Redacted())
	ctx, cancel := context.WithTimeout(ctx, a.options.RequestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return 0, err
	}
	resp, err := a.graphite.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %s", resp.Status)
	}
	var series []struct {
		Datapoints [][]*float64 `json:"datapoints"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxSeries)).Decode(&series); err != nil {
		return 0, err
	}
	if len(series) == 0 || len(series[0].Datapoints) == 0 || len(series[0].Datapoints[0]) == 0 {
		return 0, errNoSeries
	}
	if v := series[0].Datapoints[0][0]; v != nil {
		return *v, nil
	}
	return -1, nil
}
