// Package ui draws nsqadmin's pages: HTML made on the server that is complete
// without script, one style sheet, and charts drawn as SVG. Each page is one
// file in pages, within the frame of frame.html, and one function that gets its
// data from the collector's latest snapshot, so that no page waits for a node.
//
// The script in web, if it has been built, adds to it and takes nothing away:
// the page is asked for again when there is a new snapshot and morphed in place,
// a chart can be read point by point, a confirmation opens as a dialog, and
// Ctrl-K finds or does anything.
//
// What changes something is a form that is posted to act; its GET is the page
// that says what it will cost.
//
// The manner: ink on paper, colour is state or data. A state is always a shape,
// a word and a colour. A page never shows a number that it does not know.
package ui
