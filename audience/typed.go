package audience

import (
	"fmt"
	"maps"
	"slices"
)

// FlagAttribute marks a value that is not of its attribute's type. It is left
// out; the person is taken.
const FlagAttribute = "attribute"

// typed brings the values of an import into the form of their attributes'
// types.
type typed struct {
	declared Attributes
	known    map[string]map[string]cleaned // by attribute and value: there are few different ones
	wrong    map[string]wrongValues        // of the file that is read, by attribute
}

type cleaned struct {
	value string
	err   error
}

// wrongValues are values of one attribute that were left out.
type wrongValues struct {
	count, line int    // line of the first
	first       string // what is said of it
}

// most that is remembered: different values of an attribute, and their length.
const (
	maxKnownValues = 1000
	maxKnownLength = 100
)

// clean cleans the values of a row, takes out those that are wrong, and returns
// what is wrong with each.
func (t *typed) clean(row *Row) []flag {
	var flags []flag
	for i := range t.declared {
		a := &t.declared[i]
		value := row.Attributes[a.Name]
		if value == "" {
			continue
		}
		c := t.one(a, value)
		if c.err == nil {
			row.Attributes[a.Name] = c.value
			continue
		}
		delete(row.Attributes, a.Name)
		text := fmt.Sprintf("%s: %v", a.Name, c.err)
		flags = append(flags, flag{FlagAttribute, text + "; left out"})
		w := t.wrong[a.Name]
		if w.count++; w.count == 1 {
			w.line, w.first = row.Line, text
		}
		t.wrong[a.Name] = w
	}
	return flags
}

// one cleans a value, or remembers how it is cleaned.
func (t *typed) one(a *Attribute, value string) cleaned {
	known := t.known[a.Name]
	c, ok := known[value]
	if !ok {
		c.value, c.err = a.Clean(value)
		if len(known) < maxKnownValues && len(value) <= maxKnownLength {
			if known == nil {
				known = make(map[string]cleaned)
				t.known[a.Name] = known
			}
			known[value] = c
		}
	}
	return c
}

// notes says what was left out of a file, and forgets it.
func (t *typed) notes() []string {
	var notes []string
	for _, name := range slices.Sorted(maps.Keys(t.wrong)) {
		w := t.wrong[name]
		values := "a value"
		if w.count > 1 {
			values = fmt.Sprintf("%d values", w.count)
		}
		notes = append(notes, fmt.Sprintf("%s of %s left out, the first in line %d: %s", values, name, w.line, w.first))
	}
	clear(t.wrong)
	return notes
}
