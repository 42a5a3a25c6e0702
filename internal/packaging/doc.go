// Package packaging holds what a package of the suite installs beside the
// programs: units for systemd, manifests for Kubernetes, what Prometheus and
// Grafana need, and the operator's pages. The manual pages, completions and example files
// are not kept: `make docs` has the programs print them.
//
//	bin/*                        /usr/bin
//	internal/packaging/systemd   /usr/lib/systemd/system
//	out/docs/config/*.toml       /etc/nsq
//	out/docs/man/*               /usr/share/man/man1 and man8
//	out/docs/bash/*              /usr/share/bash-completion/completions
//	out/docs/zsh/*               /usr/share/zsh/site-functions
//	out/docs/fish/*              /usr/share/fish/vendor_completions.d
//
// The units run the daemons without rights, as users that systemd makes up, with
// the files in /etc/nsq. nsqd has its data in /var/lib/nsqd, whatever the file says.
package packaging
