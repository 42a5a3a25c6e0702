// Package client is what the tools that talk to nsqd have in common: the options
// of the client library, who is connected to, and the orderly end.
//
// The tools stand on go-nsq. How they poll nsqlookupd, connect again, back off
// and share out their ready count is its doing (tools.md 2); what is here keeps
// users from its sharp edges.
package client
