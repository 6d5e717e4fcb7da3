package store

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// layout is a time as text of fixed width, in UTC to the microsecond, so that
// times compare as text.
const layout = "2006-01-02T15:04:05.000000Z"

// stamp is a time as a column keeps it: text in layout, NULL for the zero time.
type stamp time.Time

// Value implements driver.Valuer.
func (t stamp) Value() (driver.Value, error) {
	if time.Time(t).IsZero() {
		return nil, nil
	}
	return time.Time(t).UTC().Format(layout), nil
}

// Scan implements sql.Scanner.
func (t *stamp) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*t = stamp{}
		return nil
	case string:
		parsed, err := time.Parse(layout, v)
		if err != nil {
			return fmt.Errorf("a time in the database: %w", err)
		}
		*t = stamp(parsed)
		return nil
	}
	return fmt.Errorf("a time in the database: found a %T", src)
}

// text is the stamp inside JSON: null for the zero time.
func (t stamp) text() *string {
	if time.Time(t).IsZero() {
		return nil
	}
	s := time.Time(t).UTC().Format(layout)
	return &s
}
