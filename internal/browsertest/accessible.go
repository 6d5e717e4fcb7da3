package browsertest

import (
	"context"
	"encoding/json"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
)

// Element is what a screen reader is told of an element.
type Element struct{ Role, Name string }

// Tree returns the elements of the page as a screen reader is told of them, in
// its order, without plain text and what only groups.
func (b *Browser) Tree() []Element {
	b.t.Helper()
	var all []Element
	for _, n := range b.tree() {
		if e := elementOf(n); !n.Ignored && e.Role != "" {
			all = append(all, e)
		}
	}
	return all
}

// Tab presses the tabulator and returns what has the focus then; the zero
// Element for what is not in this page, such as within a frame.
func (b *Browser) Tab() Element {
	b.t.Helper()
	b.Do(chromedp.KeyEvent("\t"))
	var focused Element
	for _, n := range b.tree() {
		for _, p := range n.Properties {
			if p.Name == accessibility.PropertyNameFocused && text(p.Value) == "true" && text(n.Role) != "RootWebArea" {
				focused = elementOf(n)
			}
		}
	}
	return focused
}

func (b *Browser) tree() []*accessibility.Node {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	all, err := chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		b.t.Fatalf("reading the accessibility tree: %v", err)
	}
	return inOrder(all.Nodes)
}

// inOrder are a tree's nodes as they are read: each before its children.
func inOrder(nodes []*accessibility.Node) []*accessibility.Node {
	byID := make(map[accessibility.NodeID]*accessibility.Node, len(nodes))
	for _, n := range nodes {
		byID[n.NodeID] = n
	}
	var ordered []*accessibility.Node
	var walk func(n *accessibility.Node)
	walk = func(n *accessibility.Node) {
		ordered = append(ordered, n)
		for _, id := range n.ChildIDs {
			if child := byID[id]; child != nil {
				walk(child)
			}
		}
	}
	for _, n := range nodes {
		if n.ParentID == "" {
			walk(n)
		}
	}
	return ordered
}

func elementOf(n *accessibility.Node) Element {
	role := text(n.Role)
	switch role {
	case "StaticText", "InlineTextBox", "generic", "none", "paragraph", "LineBreak", "RootWebArea":
		role = ""
	}
	return Element{Role: role, Name: text(n.Name)}
}

// text is a value of the tree as text.
func text(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var s string
	if err := json.Unmarshal(v.Value, &s); err != nil {
		return string(v.Value)
	}
	return s
}
