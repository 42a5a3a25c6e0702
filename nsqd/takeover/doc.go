// Package takeover moves messages between upstream's files and ours, and looks
// at either: TakeOver at nsqd's start, Check and Export for a data path that no
// nsqd uses.
//
// # Taking over
//
// For each topic that has files of upstream's: its messages go into the topic
// (broker.Topic.TakeOver says how that is whole), then the files go into a folder
// of their own below "taken-over", then the topic forgets that it has taken over.
// A crash before the first step is done undoes it; a crash after it leaves a topic
// that has taken over, so that the next start only puts the files away. Nothing is
// lost in either case, and nothing comes twice: and if upstream has run there in
// between, the files that it has changed are taken over as new ones. The originals
// are never changed.
//
// Files of topics and channels that nsqd.dat does not name are left alone, as
// upstream leaves them (protocol.md 17), and so are ".bad" ones unless asked for.
package takeover
