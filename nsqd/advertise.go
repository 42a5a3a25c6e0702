package nsqd

import (
	"fmt"
	"strconv"
	"strings"
)

// advertised is where clients of one nsqlookupd reach this node; ports of 0 are as everywhere.
type advertised struct {
	address   string
	tcp, http int
}

// parseAdvertised reads --broadcast-address-at: what to tell each nsqlookupd.
func parseAdvertised(words []string) (map[string]advertised, error) {
	all := map[string]advertised{}
	for _, word := range words {
		lookupd, where, _ := strings.Cut(word, "=")
		parts := strings.Split(where, "/")
		a := advertised{address: parts[0]}
		ok := lookupd != "" && a.address != ""
		switch len(parts) {
		case 1:
		case 3:
			tcp, err := strconv.ParseUint(parts[1], 10, 16)
			http, err2 := strconv.ParseUint(parts[2], 10, 16)
			ok = ok && err == nil && err2 == nil && tcp > 0 && http > 0
			a.tcp, a.http = int(tcp), int(http)
		default:
			ok = false
		}
		if !ok {
			return nil, fmt.Errorf("--broadcast-address-at must be LOOKUPD=ADDRESS or LOOKUPD=ADDRESS/TCP_PORT/HTTP_PORT, not %q", word)
		}
		all[lookupd] = a
	}
	return all, nil
}
