// Package nsqlookupd is the registry daemon: nsqd tell it over TCP which topics
// and channels they have, and consumers and nsqadmin ask it over HTTP. It keeps
// everything in memory, and knows nothing of other instances.
package nsqlookupd
