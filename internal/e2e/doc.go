// Package e2e holds the end-to-end tests: the real programs as processes, and
// clients written as their users write them. The two programs in its folders
// use go-nsq the way its readers learn to.
package e2e
