// Package nsqtest runs the suite's real programs for tests: it builds them once,
// starts them on free ports of the loopback interface, and stops, kills and
// restarts them.
package nsqtest
