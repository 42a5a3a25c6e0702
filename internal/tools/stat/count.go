package stat

import (
	"errors"
	"strconv"
)

// Count is a number of rows that, unlike 0, may be left out: then it has no end.
type Count struct {
	rows  int
	given bool
}

// Rows returns the Count of so many rows.
func Rows(n int) Count { return Count{rows: n, given: true} }

// Set is pflag.Value.
func (c *Count) Set(word string) error {
	n, err := strconv.ParseInt(word, 0, 32)
	if err != nil {
		return errors.New("parse error")
	}
	*c = Rows(int(n))
	return nil
}

// String is pflag.Value.
func (c *Count) String() string {
	if !c.given {
		return ""
	}
	return strconv.Itoa(c.rows)
}

// Type is pflag.Value.
func (c *Count) Type() string { return "int" }

// reached tells whether so many rows are all.
func (c *Count) reached(rows int) bool { return c.given && rows >= c.rows }
