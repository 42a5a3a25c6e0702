// Package vfs is the file system as the suite uses it: a small interface, the
// real one behind it (OS), one in memory that can lose power (Mem), and one that
// fails when told to (Faulty). Every disk access of the broker goes through it,
// so that tests can end the world after every single operation.
//
// Names are slash-separated paths. Errors can be compared with errors.Is to
// fs.ErrNotExist and the like, and to the system's error numbers.
package vfs
