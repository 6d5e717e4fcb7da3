package templates

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// voidElements have no end tag.
var voidElements = map[string]bool{
	"area": true, "base": true, "br": true, "col": true, "embed": true, "hr": true, "img": true, "input": true,
	"link": true, "meta": true, "source": true, "track": true, "wbr": true,
}

// WellFormed checks that every element of a letter's HTML is closed, in the
// order in which they were opened, and that there is a word to read. Browsers forgive what is not; mail programs, which
// put a letter into pages of their own, each do so differently.
func WellFormed(page string) error {
	var open []string
	words := false
	tokens := html.NewTokenizer(strings.NewReader(page))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			if err := tokens.Err(); !errors.Is(err, io.EOF) {
				return err
			}
			if len(open) > 0 {
				return fmt.Errorf("<%s> is not closed", open[len(open)-1])
			}
			if !words {
				return errors.New("there is not a word in it: the theme's layout.html gives nothing")
			}
			return nil
		case html.TextToken:
			if slices.Contains(open, "body") && len(bytes.TrimSpace(tokens.Text())) > 0 {
				words = true
			}
		case html.StartTagToken:
			if name, _ := tokens.TagName(); !voidElements[string(name)] {
				open = append(open, string(name))
			}
		case html.EndTagToken:
			tag, _ := tokens.TagName()
			name := string(tag)
			if len(open) == 0 || open[len(open)-1] != name {
				if len(open) == 0 {
					return fmt.Errorf("</%s> closes nothing", name)
				}
				return fmt.Errorf("</%s> stands where </%s> is expected", name, open[len(open)-1])
			}
			open = open[:len(open)-1]
		}
	}
}
