// Package process runs a daemon of the suite for programs that test or measure it
// from outside: it starts it on free ports of the loopback interface, stops it or
// kills it, and reads what it has cost.
package process
