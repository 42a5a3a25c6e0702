package protocol

import "strings"

const (
	// MaxNameLength is how many bytes a topic's or channel's name has at most, EphemeralSuffix included.
	MaxNameLength = 64
	// EphemeralSuffix ends the names of topics and channels that live in memory only.
	EphemeralSuffix = "#ephemeral"
)

// ValidName tells whether a topic or channel may have this name: up to
// MaxNameLength bytes of . a-z A-Z 0-9 _ - and perhaps EphemeralSuffix behind
// at least one of them (protocol.md 10).
func ValidName(name string) bool {
	if len(name) > MaxNameLength {
		return false
	}
	name = strings.TrimSuffix(name, EphemeralSuffix)
	for i := range len(name) {
		if c := name[i]; c != '.' && c != '_' && c != '-' &&
			(c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return name != ""
}

// IsEphemeral tells whether a name ends in EphemeralSuffix.
func IsEphemeral(name string) bool { return strings.HasSuffix(name, EphemeralSuffix) }
