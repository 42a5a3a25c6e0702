// Package tidy holds the walls of the house: its tests read the whole module
// and fail where a rule of the house is broken. It has no code of its own.
package tidy
