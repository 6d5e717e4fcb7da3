package tool

import (
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// wordVersion is the version of Outlook for Windows that conditional comments
// are asked as.
const wordVersion = 16

// Word returns a letter about as Word lays it out, the engine of Outlook for
// Windows: what conditional comments hold for it stands, what they hide from it
// is gone, and so are media queries and the properties that it passes over. It is
// an approximation: what only Word does (VML, its own line heights and breaks)
// no browser shows.
func Word(doc string) string {
	doc = noscript.ReplaceAllString(conditions(doc), "")
	var out strings.Builder
	z := html.NewTokenizer(strings.NewReader(doc))
	sheet, settings := false, false // in a style, in Office's own settings
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		raw := string(z.Raw())
		switch kind {
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			sheet = t.Data == "style"
			if t.Data == "xml" {
				settings = kind == html.StartTagToken
				continue
			}
			out.WriteString(wordTag(raw, t))
		case html.TextToken:
			if settings {
				continue
			}
			if sheet {
				raw = wordSheet(raw)
			}
			out.WriteString(raw)
		default:
			sheet = false
			if name, _ := z.TagName(); kind == html.EndTagToken && string(name) == "xml" {
				settings = false
				continue
			}
			out.WriteString(raw)
		}
	}
	return out.String()
}

// wordTag is a start tag with the styles that Word takes.
func wordTag(raw string, t html.Token) string {
	changed := false
	for i, a := range t.Attr {
		if a.Key != "style" {
			continue
		}
		if kept := wordStyles(a.Val, t.Data); kept != a.Val {
			t.Attr[i].Val, changed = kept, true
		}
	}
	if !changed {
		return raw
	}
	return t.String()
}

var (
	ifOpen = regexp.MustCompile(`(?i)<!(--)?\[if([^\]]{0,200})\](-->|><!-->|>)`)
	// Word knows no <noscript>; what is in it stands. Letters hide their settings
	// for Office in one from everybody else.
	noscript = regexp.MustCompile(`(?i)</?noscript[^>]{0,200}>`)
	ifClose  = regexp.MustCompile(`(?i)(<!--)?<!\[endif\](--)?>`)
)

// conditions resolves conditional comments. They do not nest.
func conditions(doc string) string {
	var out strings.Builder
	for {
		open := ifOpen.FindStringSubmatchIndex(doc)
		if open == nil {
			return out.String() + doc
		}
		end := ifClose.FindStringIndex(doc[open[1]:])
		if end == nil {
			return out.String() + doc
		}
		out.WriteString(doc[:open[0]])
		if holds(doc[open[4]:open[5]]) {
			out.WriteString(doc[open[1] : open[1]+end[0]])
		}
		doc = doc[open[1]+end[1]:]
	}
}

// holds evaluates a condition as Outlook for Windows does. Parentheses are
// passed over: "or" binds looser than "and", as in what mails hold.
func holds(condition string) bool {
	for alternative := range strings.SplitSeq(condition, "|") {
		all := true
		for term := range strings.SplitSeq(alternative, "&") {
			term = strings.ToLower(strings.Trim(term, " \t\r\n()"))
			positive, negated := strings.CutPrefix(term, "!")
			if isWord(strings.Fields(strings.Trim(positive, " ()"))) == negated {
				all = false
			}
		}
		if all {
			return true
		}
	}
	return false
}

// isWord answers "mso", "mso 16", "gte mso 9" and the like.
func isWord(words []string) bool {
	compare := "eq"
	if len(words) > 1 && words[0] != "mso" {
		compare, words = words[0], words[1:]
	}
	if len(words) == 0 || words[0] != "mso" {
		return len(words) == 1 && words[0] == "true"
	}
	if len(words) == 1 {
		return true
	}
	n, err := strconv.ParseFloat(words[1], 64)
	if err != nil {
		return false
	}
	switch compare {
	case "gt":
		return wordVersion > n
	case "gte":
		return wordVersion >= n
	case "lt":
		return wordVersion < n
	case "lte":
		return wordVersion <= n
	}
	return n == wordVersion
}

// deafTo are properties that Word passes over wherever they stand.
var deafTo = map[string]bool{
	"max-width": true, "min-width": true, "max-height": true, "min-height": true, "border-radius": true,
	"box-shadow": true, "text-shadow": true, "opacity": true, "float": true, "position": true, "overflow": true,
	"flex": true, "grid": true, "gap": true, "order": true, "align-items": true, "justify-content": true,
	"transform": true, "transition": true, "animation": true, "filter": true, "object-fit": true, "box-sizing": true,
	"background-image": true, "background-size": true, "background-position": true, "background-repeat": true,
	"word-break": true, "overflow-wrap": true, "word-wrap": true, "text-underline-offset": true, "columns": true,
	"visibility": true, "outline": true, "clip-path": true, "aspect-ratio": true,
}

// wordStyles drops from an inline style what Word passes over on this element.
// An element without a name is a style sheet's: nobody knows where it will hold.
func wordStyles(styles, element string) string {
	boxed := element == "" || element == "td" || element == "th" || element == "table" || element == "body"
	image := element == "img"
	var kept []string
	for _, d := range declarations(styles) {
		name, value, found := strings.Cut(d, ":")
		name = strings.ToLower(strings.TrimSpace(name))
		value = strings.ToLower(strings.TrimSpace(value))
		group, _, _ := strings.Cut(name, "-")
		switch {
		case !found || deafTo[name]:
		case group == "flex" || group == "grid" || group == "animation" || group == "transition" || group == "border" && strings.HasSuffix(name, "-radius"):
		case name == "display" && !strings.HasPrefix(value, "none") && !strings.HasPrefix(value, "block") && !strings.HasPrefix(value, "inline"):
		case name == "display" && strings.HasPrefix(value, "inline-"):
		// Padding is for cells; a width is for tables, cells and pictures.
		case group == "padding" && !boxed:
		case (name == "width" || name == "height") && !boxed:
		case image && (group == "border" || group == "margin"):
		case group == "margin" && strings.Contains(value, "auto"):
		case name == "background" && strings.Contains(value, "url("), strings.Contains(value, "gradient("):
		case strings.Contains(value, "calc("), strings.Contains(value, "var("), strings.Contains(value, "clamp("):
		default:
			kept = append(kept, strings.TrimSpace(d))
		}
	}
	return strings.Join(kept, ";")
}

// declarations parts a style at its semicolons, but for those in quotes and
// parentheses.
func declarations(styles string) []string {
	var all []string
	start, depth, quote := 0, 0, byte(0)
	for i := 0; i < len(styles); i++ {
		switch c := styles[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth = max(0, depth-1)
		case c == ';' && depth == 0:
			all = append(all, styles[start:i])
			start = i + 1
		}
	}
	return append(all, styles[start:])
}

// wordSheet is a style sheet without at-rules, and with the properties that
// Word takes.
func wordSheet(css string) string {
	var out strings.Builder
	for css != "" {
		at := strings.IndexAny(css, "{;")
		if at < 0 {
			break
		}
		head := strings.TrimSpace(css[:at])
		if css[at] == ';' { // @import and the like
			css = css[at+1:]
			continue
		}
		end := blockEnd(css, at)
		if !strings.HasPrefix(head, "@") {
			out.WriteString(head + "{" + wordStyles(strings.TrimSuffix(css[at+1:end], "}"), "") + "}\n")
		}
		css = css[end:]
	}
	return out.String()
}

// blockEnd is the index behind the brace that closes the one at open.
func blockEnd(css string, open int) int {
	depth := 0
	for i := open; i < len(css); i++ {
		switch css[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(css)
}
