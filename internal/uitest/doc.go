// Package uitest looks at nsqadmin as its users do: it starts real daemons with
// live traffic, good and bad, and drives a real browser through every page and
// action, on a desktop and a phone, light and dark. What it has seen is left as
// pictures in out/ui. Without a browser (chromium, or the program that the
// environment variable CHROMIUM names) it is skipped.
package uitest
