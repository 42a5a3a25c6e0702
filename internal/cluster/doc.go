// Package cluster asks the nsqlookupd and nsqd of a cluster over HTTP and adds
// up what they say: the data of nsqadmin's API and pages (nsqadmin.md 2, 4, 6
// and 7).
//
// There are two ways to find the nodes. In lookupd mode the nsqlookupd name
// them; in nsqd mode their addresses are given. Either way each node is then
// asked for its numbers at its broadcast address.
//
// Who is given as https://host:port is asked over TLS alone. So is a node that was
// given like that, that a nsqlookupd that was names with its HTTPS port, or that has
// no other; one that such a nsqlookupd names without gets no token in clear. All
// others are asked in clear, and again over TLS if they say that they want it.
//
// Nothing is kept between two questions. All requests of one step run at the
// same time, each with its own deadline, so that a question takes as long as
// the slowest node, and at most the request timeout a step.
//
// A cluster is rarely whole. What could be had is returned together with
// Warnings; only if a step got no answer at all is there an error, an
// *UnreachableError.
package cluster
