package source

import (
	"slices"
	"strings"
)

// block is a piece of running text in normal form: text in a container, never
// text beside it. Parsing HTML into blocks and writing them out is what makes
// sanitised HTML stable: written blocks parse into the same blocks again.
type block struct {
	kind string // p, h1…h6, pre: holds text; ul, ol, li, blockquote: holds blocks
	text []chunk
	kids []*block
}

// chunk is text with the marks that are on it, outermost first. A line break
// is "\n".
type chunk struct {
	text  string
	marks []mark
}

// mark is an inline element.
type mark struct {
	tag  string // em, strong, a, code, sup, sub
	href string // of an a
}

func (b *block) leaf() bool {
	return b.kind == "p" || b.kind == "pre" || b.heading()
}

func (b *block) heading() bool { return len(b.kind) == 2 && b.kind[0] == 'h' }

// plain is the text of a leaf without its marks, line breaks as spaces.
func (b *block) plain() string {
	var s strings.Builder
	for _, c := range b.text {
		s.WriteString(c.text)
	}
	if b.kind == "pre" {
		return strings.TrimSpace(s.String())
	}
	return fold(s.String())
}

// paragraphs is the plain text of all leaves.
func paragraphs(blocks []*block) []string {
	var out []string
	for _, b := range blocks {
		if !b.leaf() {
			out = append(out, paragraphs(b.kids)...)
		} else if t := b.plain(); t != "" {
			out = append(out, t)
		}
	}
	return out
}

// splitLines parts text at every run of two or more line breaks, and after a
// first line that is all strong, which is a heading in the clothes of one. It
// folds the white space of each part.
func splitLines(text []chunk) [][]chunk {
	var parts [][]chunk
	var part []chunk
	pending := "" // white space not yet written: " ", "\n" or "\n\n"
	for _, c := range text {
		var b strings.Builder
		flush := func() {
			if b.Len() > 0 {
				part = append(part, chunk{b.String(), c.marks})
				b.Reset()
			}
		}
		for _, r := range c.text {
			switch {
			case r == '\n':
				if strings.HasPrefix(pending, "\n") {
					pending = "\n\n"
				} else {
					pending = "\n"
				}
			case r == ' ':
				if pending == "" {
					pending = " "
				}
			default:
				if pending == "\n\n" {
					flush()
					parts, part = appendPart(parts, part), nil
				} else if pending != "" && (len(part) > 0 || b.Len() > 0) {
					if b.Len() == 0 {
						part = append(part, chunk{pending, common(part[len(part)-1].marks, c.marks)})
					} else {
						b.WriteString(pending)
					}
				}
				pending = ""
				b.WriteRune(r)
			}
		}
		flush()
	}
	return appendPart(parts, part)
}

func appendPart(parts [][]chunk, part []chunk) [][]chunk {
	part = join(part)
	if head, rest := strongLine(part); head != nil {
		return appendPart(append(parts, head), rest)
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	return parts
}

// strongLine parts text after its first line if that is all strong.
func strongLine(text []chunk) (head, rest []chunk) {
	for i, c := range text {
		line, after, broken := strings.Cut(c.text, "\n")
		if broken {
			if line != "" {
				if !strong(c.marks) {
					return nil, nil
				}
				head = append(head, chunk{line, c.marks})
			}
			if after != "" {
				rest = append(rest, chunk{after, c.marks})
			}
			return head, append(rest, text[i+1:]...)
		}
		if !strong(c.marks) {
			return nil, nil
		}
		head = append(head, c)
	}
	return nil, nil
}

func strong(marks []mark) bool {
	return slices.ContainsFunc(marks, func(m mark) bool { return m.tag == "strong" })
}

// join puts neighbours with the same marks together.
func join(text []chunk) []chunk {
	var out []chunk
	var b strings.Builder
	for i := 0; i < len(text); {
		b.Reset()
		j := i
		for ; j < len(text) && slices.Equal(text[i].marks, text[j].marks); j++ {
			b.WriteString(text[j].text)
		}
		out = append(out, chunk{b.String(), text[i].marks})
		i = j
	}
	return out
}

// common is the longest common beginning of two lists of marks.
func common(a, b []mark) []mark {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n:n]
}
