// Package login knows who a browser belongs to, for those who have no proxy in
// front of nsqadmin that does: users with bcrypt hashes and a role, sessions
// kept in memory, and a cookie that script cannot read. A program logs in with
// each request, by HTTP Basic.
package login
