package templates

import (
	"errors"
	"fmt"
	"text/template/parse"

	"lede/internal/attribute"
)

// recipientFunc is how a template asks about the recipient:
// {{if recipient "plan" "paid" "gift"}}. The answer belongs to the letter that
// is being made, not to the theme, so that parsed templates ask their data for
// it (see askData).
const recipientFunc = "recipient"

// AskRecipient sets what answers a letter's templates when they ask about its
// recipients: whether the attribute has one of the values. Without it nobody
// has any.
func (p *Page) AskRecipient(answer func(attribute string, values []string) bool) {
	p.recipient = answer
}

// Recipient says whether those who get this letter have one of the values for
// an attribute. Templates write {{recipient "attribute" "value" …}}.
func (p *Page) Recipient(name string, values ...string) (bool, error) {
	if err := attribute.Check(name, values); err != nil {
		return false, fmt.Errorf("recipient: %w", err)
	}
	return p.recipient != nil && p.recipient(name, values), nil
}

// askData turns the function recipient, wherever it stands in a template, into
// the method of the data that the template is given. It returns whether there
// was one, and what is wrong with the first whose words are wrong.
func askData(tree *parse.Tree) (asks bool, at parse.Node, wrong error) {
	var walk func(n parse.Node)
	branch := func(b *parse.BranchNode) {
		walk(b.Pipe)
		walk(b.List)
		if b.ElseList != nil {
			walk(b.ElseList)
		}
	}
	walk = func(n parse.Node) {
		switch n := n.(type) {
		case *parse.ListNode:
			for _, child := range n.Nodes {
				walk(child)
			}
		case *parse.ActionNode:
			walk(n.Pipe)
		case *parse.IfNode:
			branch(&n.BranchNode)
		case *parse.WithNode:
			branch(&n.BranchNode)
		case *parse.RangeNode:
			branch(&n.BranchNode)
		case *parse.TemplateNode:
			if n.Pipe != nil {
				walk(n.Pipe)
			}
		case *parse.PipeNode:
			for _, command := range n.Cmds {
				for i, arg := range command.Args {
					id, ok := arg.(*parse.IdentifierNode)
					if !ok || id.Ident != recipientFunc {
						walk(arg)
						continue
					}
					asks = true
					if err := checkWords(command.Args[i+1:]); i == 0 && len(n.Cmds) == 1 && err != nil && wrong == nil {
						wrong, at = err, id
					}
					command.Args[i] = &parse.VariableNode{NodeType: parse.NodeVariable, Pos: id.Pos, Ident: []string{"$", "Recipient"}}
				}
			}
		case *parse.ChainNode:
			walk(n.Node)
		}
	}
	if tree != nil && tree.Root != nil {
		walk(tree.Root)
	}
	return asks, at, wrong
}

// checkWords checks what recipient is asked where all of it stands in the
// template.
func checkWords(args []parse.Node) error {
	words := make([]string, 0, len(args))
	for _, arg := range args {
		text, ok := arg.(*parse.StringNode)
		if !ok {
			return nil
		}
		words = append(words, text.Text)
	}
	if len(words) < 2 {
		return errors.New(`recipient wants an attribute and its values: recipient "plan" "paid"`)
	}
	if err := attribute.Check(words[0], words[1:]); err != nil {
		return fmt.Errorf("recipient: %w", err)
	}
	return nil
}
