// Command bench measures the real programs from outside, and prints tables to be
// pasted into RESULTS.md. It is `make bench`.
//
// What it tells of a message is the broker's CPU time for it, in seconds per
// million messages: unlike a rate it does not depend on what else the machine
// does, nor on our own cost. Each line of a table is a life of nsqd of its own, on
// a fresh folder; a curve that is not flat is a finding. Memory is what the process
// has of its own after it was told to give back what it can.
//
// BENCH=long gives all sections their full size. A section does not begin after
// --time; those left out are named.
//
// Every message published is waited for; a body that is not as it was, an error
// frame or a wait without end fails the section.
package main
