// Package ui draws nsqadmin's pages: plain HTML made on the server, one style
// sheet, no script. Each page is one file in pages, within the frame of
// frame.html, and one function in pages.go that gets its data from the cluster.
//
// The manner: ink on paper, colour is state or data. A state is always a shape,
// a word and a colour. A page never shows a number that it does not know.
package ui
