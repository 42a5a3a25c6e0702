// Package check reads what the suite installs with the parsers of those for whom
// it is: Kubernetes's own types, strictly, and Prometheus's rules and PromQL. It is
// a module of its own, so that nothing else has to carry what these need. `make
// packaging` runs it.
package check
