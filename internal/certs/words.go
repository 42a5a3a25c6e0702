package certs

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Required says on which ports clients must use TLS. It is a pflag.Value.
type Required int

// The numbers are what GET /config/tls_required shows.
const (
	Optional   Required = iota
	ExceptHTTP          // on TCP
	Everywhere          // on both
)

const wordExceptHTTP = "tcp-https"

// String returns the word that Set takes.
func (r Required) String() string {
	if r == ExceptHTTP {
		return wordExceptHTTP
	}
	return strconv.FormatBool(r == Everywhere)
}

// Set is pflag.Value.
func (r *Required) Set(word string) error {
	word = strings.ToLower(word)
	if word == wordExceptHTTP {
		*r = ExceptHTTP
		return nil
	}
	required, err := strconv.ParseBool(word)
	if err != nil {
		return fmt.Errorf("must be true, false or %s", wordExceptHTTP)
	}
	*r = Optional
	if required {
		*r = Everywhere
	}
	return nil
}

// Type is pflag.Value.
func (r *Required) Type() string { return "mode" }

// IsBoolFlag says that the flag can stand alone.
func (r *Required) IsBoolFlag() bool { return true }

// Version is a version of TLS, by its number on the wire. It is a pflag.Value.
type Version uint16

// String returns the word that Set takes.
func (v Version) String() string { return fmt.Sprintf("tls1.%d", v-tls.VersionTLS10) }

// Set is pflag.Value. It takes a word such as tls1.2, in any case; an empty one is the lowest.
func (v *Version) Set(word string) error {
	if word == "" {
		*v = tls.VersionTLS10
		return nil
	}
	for known := Version(tls.VersionTLS10); known <= tls.VersionTLS13; known++ {
		if strings.EqualFold(word, known.String()) {
			*v = known
			return nil
		}
	}
	return fmt.Errorf("unknown tlsVersionOption %q", word)
}

// Type is pflag.Value.
func (v *Version) Type() string { return "version" }

// MarshalJSON shows the number, as GET /config/tls_min_version does.
func (v Version) MarshalJSON() ([]byte, error) { return json.Marshal(uint16(v)) }

// Policy says which certificate a server wants to see from its clients. Words
// other than these ask for none.
type Policy string

// The policies. What Verify asks for need not be shown, but must be good if it is.
const (
	Require       Policy = "require"
	RequireVerify Policy = "require-verify"
	Verify        Policy = "verify"
)

// Demands tells whether clients must use TLS by this policy. Words that ask for
// nothing do demand that, as they always have.
func (p Policy) Demands() bool { return p != "" && p != Verify }

func (p Policy) clientAuth() tls.ClientAuthType {
	switch p {
	case Require:
		return tls.RequireAnyClientCert
	case RequireVerify:
		return tls.RequireAndVerifyClientCert
	case Verify:
		return tls.VerifyClientCertIfGiven
	}
	return tls.NoClientCert
}
