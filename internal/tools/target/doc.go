// Package target is what the tools have in common that pass messages on to one of
// several addresses: which one is next (Pool), and how long they take (Times).
// See tools.md 10.
package target
