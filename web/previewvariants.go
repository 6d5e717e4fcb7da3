package web

import (
	"context"
	"net/url"
	"strconv"
)

// variantsView is the view that shows variants side by side.
const variantsView = "variants"

// maxSide is how many variants stand side by side; more would be too narrow.
const maxSide = 4

// letters is a page's choice of a variant, and of a subject of a test.
type letters struct {
	Variants []tab  // with their readers; empty: one letter for all
	Subjects []tab  // empty: none is tested
	Own      bool   // what is shown is what the reader gets
	Back     string // address of that
	Beside   tab    // to some of the variants side by side
}

// choice is an entry of a list of which one is chosen.
type choice struct {
	Value, Name string
	Chosen      bool
}

// sideView is the view of variants side by side.
type sideView struct {
	Choices []choice // which to show
	Shown   []sideLetter
	Most    int
	Marks   bool
}

// sideLetter is one of the letters that stand side by side.
type sideLetter struct {
	Name, Readers, Subject, Preheader, Size, Frame, Alone, Trouble string
	Number                                                         int
}

// lettersOf fills the page's choice.
func lettersOf(q Request, s shown, view string) letters {
	own := q
	own.Variant = Own
	v := letters{Own: s.Variant == s.Own, Back: address(own, view, nil)}
	if len(s.Variants) > 0 {
		v.Beside = tab{Name: "Variants side by side", Link: address(q, variantsView, nil), Current: view == variantsView}
	}
	if view == variantsView {
		view = "desktop"
	}
	for i, variant := range s.Variants {
		one := q
		one.Variant = i
		t := tab{Name: upper(variant.Name), Link: address(one, view, nil), Current: i == s.Variant}
		if variant.Readers >= 0 {
			t.Key = counted(variant.Readers, "reader", "readers")
		}
		v.Variants = append(v.Variants, t)
	}
	for i, subject := range s.Subjects {
		one := q
		one.Subject = i + 1
		v.Subjects = append(v.Subjects, tab{Name: subject, Link: address(one, view, nil), Current: max(q.Subject, 1) == i+1})
	}
	return v
}

// title names a variant and counts its readers.
func (v Variant) title() string {
	name := upper(v.Name)
	if v.Readers >= 0 {
		name += ", " + counted(v.Readers, "reader", "readers")
	}
	return name
}

// sideBySide draws the variants that were asked for: those named, else the one
// that is shown and those after it, two in all.
func (p *preview) sideBySide(ctx context.Context, q Request, s shown, asked []string) *sideView {
	v := &sideView{Most: maxSide}
	if len(s.Variants) == 0 {
		return v
	}
	wanted := map[int]bool{}
	for _, text := range asked {
		if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < len(s.Variants) && len(wanted) < maxSide {
			wanted[n] = true
		}
	}
	if len(wanted) == 0 {
		wanted[s.Variant] = true
		wanted[(s.Variant+1)%len(s.Variants)] = true
	}
	for i, variant := range s.Variants {
		v.Choices = append(v.Choices, choice{Value: strconv.Itoa(i), Name: variant.title(), Chosen: wanted[i]})
		if !wanted[i] {
			continue
		}
		one := q
		one.Variant = i
		drawn := p.draw(ctx, one)
		letter := sideLetter{Number: i, Name: upper(variant.Name), Trouble: drawn.Trouble, Alone: address(one, "desktop", nil)}
		if variant.Readers >= 0 {
			letter.Readers = counted(variant.Readers, "reader", "readers")
		}
		if drawn.Good {
			letter.Subject, letter.Preheader = drawn.Subject, drawn.Edition.Preheader
			letter.Size = sizeOf(len(drawn.HTML)).Words
			letter.Frame = frameAddress(one, drawn, "desktop", false)
		}
		v.Shown = append(v.Shown, letter)
	}
	return v
}

// frameAddress is that of a letter in a frame. It changes with the letter, so
// that a frame is loaded anew exactly when there is something new to see.
func frameAddress(q Request, s shown, view string, marks bool) string {
	v := url.Values{"newsletter": {q.Newsletter}, "marks": {"off"}, "as": {q.As}, "view": {view}, "letter": {s.hash()}}
	if marks {
		v.Set("marks", "on")
	}
	if q.Variant >= 0 {
		v.Set("variant", strconv.Itoa(q.Variant))
	}
	if q.Subject > 0 {
		v.Set("subject", strconv.Itoa(q.Subject))
	}
	return "/frame?" + v.Encode()
}
