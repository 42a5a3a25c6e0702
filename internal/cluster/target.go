package cluster

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// secure begins an address whose API is asked over TLS.
const secure = "https://"

// ErrAddress says that an address is not of the form that is understood.
var ErrAddress = errors.New("an address is host:port or https://host:port")

// CheckAddress says what is wrong with the address of an HTTP API. Without a
// scheme it is asked in clear, until it says itself that it wants TLS.
func CheckAddress(address string) error {
	name, overTLS := strings.CutPrefix(address, secure)
	if strings.ContainsAny(name, "/?#@ ") {
		return ErrAddress
	}
	if host, port, err := net.SplitHostPort(name); overTLS && (err != nil || host == "" || port == "") {
		return ErrAddress
	}
	return nil
}

// CheckAddresses is CheckAddress for all that a flag was given.
func CheckAddresses(flag string, addresses []string) error {
	for _, a := range addresses {
		if err := CheckAddress(a); err != nil {
			return fmt.Errorf("%s error - %q: %w", flag, a, err)
		}
	}
	return nil
}

// Name returns host:port of an address: as people see it.
func Name(address string) string { return strings.TrimPrefix(address, secure) }

// target is an HTTP API that is asked.
type target struct {
	name string // host:port
	url  string // scheme and host:port
	// discreet is an API that was given, or found, over TLS: it gets no token in clear.
	discreet bool
	// httpsPort is where HTTPS is, as a nsqlookupd says; 0 if none does. Who is asked in
	// clear and wants TLS says so itself, but not where that is behind another address.
	httpsPort int
}

// given returns the target that an address means.
func given(address string) target {
	name, overTLS := strings.CutPrefix(address, secure)
	if overTLS {
		return target{name: name, url: address, discreet: true}
	}
	return target{name: name, url: "http://" + name}
}

func allGiven(addresses []string) []target {
	all := make([]target, len(addresses))
	for i, a := range addresses {
		all[i] = given(a)
	}
	return all
}
