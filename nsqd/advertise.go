package nsqd

import (
	"fmt"
	"strconv"
	"strings"
)

// advertised is where clients of one nsqlookupd reach this node. Without a TCP port
// all ports are as everywhere.
type advertised struct {
	address          string
	tcp, http, https int
}

// parseAdvertised reads --broadcast-address-at: what to tell each nsqlookupd.
func parseAdvertised(words []string) (map[string]advertised, error) {
	all := map[string]advertised{}
	for _, word := range words {
		lookupd, where, _ := strings.Cut(word, "=")
		a, ok := parseWhere(where)
		if !ok || lookupd == "" {
			return nil, fmt.Errorf("--broadcast-address-at must be LOOKUPD=ADDRESS or LOOKUPD=ADDRESS/TCP_PORT/HTTP_PORT[/HTTPS_PORT], not %q", word)
		}
		all[lookupd] = a
	}
	return all, nil
}

// parseWhere reads what stands behind LOOKUPD. An HTTP port of 0 says that there is HTTPS only.
func parseWhere(text string) (a advertised, ok bool) {
	address, rest, several := strings.Cut(text, "/")
	a.address = address
	if !several {
		return a, address != ""
	}
	words := strings.Split(rest, "/")
	ports := []*int{&a.tcp, &a.http, &a.https}
	if len(words) < 2 || len(words) > len(ports) {
		return a, false
	}
	for i, word := range words {
		n, err := strconv.ParseUint(word, 10, 16)
		if err != nil {
			return a, false
		}
		*ports[i] = int(n)
	}
	return a, address != "" && a.tcp != 0 && (a.http != 0 || a.https != 0)
}
