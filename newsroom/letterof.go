package newsroom

import (
	"fmt"
	"strconv"
	"strings"

	"lede/compose"
)

// LetterOf returns one of the letters of an edition, of which first is that of
// variant 0: a variant's, with a subject of its test (from 1; 0 is the first).
// A nil Variants is one letter for all.
func (v *Variants) LetterOf(first compose.Letter, variant, subject int) (compose.Letter, error) {
	var all Variants
	if v != nil {
		all = *v
	}
	if variant < 0 || variant > len(all.Letters) {
		return first, fmt.Errorf("there is no variant %d: %s", variant, all.told())
	}
	if variant > 0 {
		first = all.Letters[variant-1]
	}
	switch {
	case subject == 0:
		return first, nil
	case subject < 0 || subject > len(all.Subjects):
		if len(all.Subjects) == 0 {
			return first, fmt.Errorf("there is no subject %d: no subjects are tested", subject)
		}
		return first, fmt.Errorf("there is no subject %d: subjects 1 to %d are tested", subject, len(all.Subjects))
	}
	return withSubject(first, all.Subjects[subject-1]), nil
}

// Named finds a variant by its number or its name ("plan paid").
func (v *Variants) Named(name string) (int, error) {
	var all Variants
	if v != nil {
		all = *v
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n <= len(all.Letters) {
		return n, nil
	}
	for n := 0; n <= len(all.Letters); n++ {
		if strings.EqualFold(strings.TrimSpace(name), all.Split.Name(n)) {
			return n, nil
		}
	}
	return 0, fmt.Errorf("there is no variant %q: %s", name, all.told())
}

// told lists the variants for a message.
func (v Variants) told() string {
	if len(v.Letters) == 0 {
		return "all readers get the same letter"
	}
	var names []string
	for n := range len(v.Letters) + 1 {
		names = append(names, fmt.Sprintf("%d (%s)", n, v.Split.Name(n)))
	}
	return "there are " + strings.Join(names, ", ")
}
