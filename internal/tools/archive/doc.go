// Package archive is nsq_to_file: it writes topics to files, a message a line.
//
//	nsq_to_file --lookupd-http-address=127.0.0.1:4161 --topic=clicks --output-dir=/var/log/nsq
//	nsq_to_file --lookupd-http-address=127.0.0.1:4161 --topic-pattern='^log_' --output-dir=/srv/archive \
//		--work-dir=/srv/archive/.open --filename-format='<TOPIC>/<DATETIME>.<HOST><REV>.log' \
//		--datetime-format='%Y/%m/%d/%H' --gzip --rotate-interval=1h
//
// # The promise
//
// A message is finished only when it is on the disk: its bytes are synced, and so
// is the name of their file in its folder. So a message is in a file or still
// nsqd's, whatever dies when; after a crash some are in two files, none in none.
// A disk that does not take what it is given ends the program, and nsqd delivers
// again what was not synced, as often as need be: unlike the other tools this
// one does not give up on a message after five attempts.
//
// # Files
//
// A file's name comes from the format, the time and, where one name is not
// enough, a revision. It is made afresh with gzip and --rotate-interval, and
// appended to otherwise; if a death has left half a line at its end that line is
// closed first. With a work folder of its own a file is written there and, once
// closed, linked to its place in the output folder and unlinked, which never
// overwrites another. What a process that died has left in the work folder goes
// to its place at the next start; an open file is locked, so that those of other
// processes are left alone.
//
// A gzip file is a sequence of members, one for each sync, so that everything
// before a torn end can be read. What is behind the last whole one was never
// finished, and is cut off when the file is put in its place; if nothing is left
// then the file goes away.
package archive
