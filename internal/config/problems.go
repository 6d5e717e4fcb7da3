package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lede/internal/spelling"
)

// Problem is one thing that is wrong with the file.
type Problem struct {
	File     string
	Line     int    // 1 is the first; 0: not of a line
	Variable string // of the environment, when what is wrong comes from there
	Path     string // "newsletters[0].schedule"; empty for the file as a whole
	What     string
	Hint     string // what to do; may be empty
}

// Error returns "FILE:LINE: path: what", and in a second line the hint.
func (p Problem) Error() string {
	var b strings.Builder
	switch {
	case p.Variable != "":
		b.WriteString(p.Variable)
	case p.Line > 0:
		fmt.Fprintf(&b, "%s:%d", p.File, p.Line)
	default:
		b.WriteString(p.File)
	}
	if p.Path != "" {
		b.WriteString(": " + p.Path)
	}
	b.WriteString(": " + p.What)
	if p.Hint != "" {
		b.WriteString("\nhint: " + p.Hint)
	}
	return b.String()
}

// Problems are all that is wrong, in the order of the file's lines.
type Problems []Problem

// Error returns the problems, one a line, each with its hint below it.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].Error()
	}
	return strings.Join(lines, "\n")
}

func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Path, b.Path))
	})
}

// oneOf lists words for a person: "run or skip", "a, b or c".
func oneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// didYouMean ends a complaint about an unknown word.
func didYouMean(word string, known []string) string {
	if near := spelling.Nearest(word, known); near != "" {
		return fmt.Sprintf(": did you mean %q?", near)
	}
	return ""
}
