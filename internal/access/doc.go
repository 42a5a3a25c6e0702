// Package access says who may use an HTTP API for what, by a file in TOML:
//
//	# What everybody may do: read, publish, admin. Without this line, nothing.
//	anybody = ["read"]
//
//	# Who sends "Authorization: Bearer TOKEN". The file has no secrets, only what
//	# printf TOKEN | sha256sum prints.
//	[[client]]
//	name = "shop"
//	token_sha256 = "f98103e9217f099208569d295c1b276f1821348636c268c854bb2a086e0037cd"
//	may = ["publish"]
//
//	# Who shows a certificate of this common name that was verified, over HTTPS.
//	[[client]]
//	name = "operators"
//	certificate = "ops.example"
//	may = ["read", "publish", "admin"]
//
// To read is to GET figures and registrations. To publish is /pub and /mpub. All
// else is to administrate: what changes something, and what shows messages or the
// inside of the process. Probes (/ping, /healthz, /readyz) are open to everybody.
//
// The file is read anew when it changes, so that a token can be replaced without
// a restart; one that cannot be used leaves in force what was.
package access
