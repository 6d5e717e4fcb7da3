package web_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lede/internal/browsertest"
)

// What a screen reader is told of the preview: its parts in their order, each by
// name; and the tabulator goes through all that can be pressed in that order.
func TestPreviewForScreenReaders(t *testing.T) {
	b := browsertest.Open(t)
	d := newDesk(t)
	b.Window(1280, 1000, "light")
	b.Visit(d.url + "/")

	var parts []string
	var pressed []browsertest.Element
	for _, e := range b.Tree() {
		switch e.Role {
		case "banner", "navigation", "main", "region", "contentinfo", "Iframe":
			parts = append(parts, e.Role+" "+e.Name)
		case "link", "button", "combobox", "textbox", "DisclosureTriangle":
			if pressed = append(pressed, e); e.Name == "" {
				t.Errorf("a %s without a name, after %v", e.Role, pressed[max(0, len(pressed)-2)])
			}
		}
	}
	if diff := cmp.Diff([]string{
		"banner ", "navigation Newsletters and editions", "navigation Views", "main ", "region Verdict", "region Checks 2 warnings, 1 note Marks off",
		"region In the inbox subject 46, preheader 100", "region The letter", "Iframe The letter", "region In the letter 8 of 15 stories",
		"region Left out 7", "region Size", "contentinfo ",
	}, parts); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	var tabbed []browsertest.Element
	for range 3 * len(pressed) {
		e := b.Tab()
		if len(tabbed) > 0 && e == pressed[0] {
			break
		}
		if e.Role != "" { // else it is in the letter
			tabbed = append(tabbed, e)
		}
	}
	if !slices.Equal(tabbed, pressed) {
		t.Errorf("the tabulator goes (-tree +tab):\n%s", cmp.Diff(pressed, tabbed))
	}
}
