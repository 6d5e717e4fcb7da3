package lint

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// finder looks for the features that caniemail.com has tested.
type finder struct {
	page *page
	seen map[string]bool
	uses []Use
}

// add notes the first use of a feature that the table has.
func (f *finder) add(slug string, line int, place string) {
	if f.seen[slug] {
		return
	}
	if _, ok := table().features[slug]; !ok {
		return
	}
	f.seen[slug] = true
	f.uses = append(f.uses, Use{Feature: slug, Line: line, Place: place})
}

// elementFeatures are the elements that share a row with others; each other
// element's row is "html-" and its name.
var elementFeatures = map[string]string{
	"ul": "html-lists", "ol": "html-lists", "dl": "html-lists",
	"h1": "html-h1-h6", "h2": "html-h1-h6", "h3": "html-h1-h6", "h4": "html-h1-h6", "h5": "html-h1-h6", "h6": "html-h1-h6",
	"article": "html-semantics", "aside": "html-semantics", "details": "html-semantics", "figcaption": "html-semantics",
	"figure": "html-semantics", "footer": "html-semantics", "header": "html-semantics", "main": "html-semantics",
	"mark": "html-semantics", "nav": "html-semantics", "section": "html-semantics", "summary": "html-semantics", "time": "html-semantics",
	"map": "html-image-maps", "area": "html-image-maps", "em": "html-strong", "b": "html-strong", "i": "html-strong",
	"meta": "", "input": "", "button": "", "a": "",
	// These words are attributes' rows, not elements'.
	"style": "html-style", "align": "", "background": "", "comments": "", "dir": "", "height": "", "hidden": "", "lang": "",
	"lists": "", "required": "", "role": "", "semantics": "", "target": "", "valign": "", "width": "",
}

// attributeFeatures are the attributes that have a row.
var attributeFeatures = map[string]string{
	"align": "html-align", "aria-describedby": "html-aria-describedby", "aria-hidden": "html-aria-hidden",
	"aria-label": "html-aria-label", "aria-labelledby": "html-aria-labelledby", "aria-live": "html-aria-live",
	"background": "html-background", "cellpadding": "html-cellpadding", "cellspacing": "html-cellspacing",
	"dir": "html-dir", "height": "html-height", "hidden": "html-hidden", "lang": "html-lang", "loading": "html-loading-attribute",
	"popover": "html-popover", "required": "html-required", "role": "html-role", "srcset": "html-srcset", "sizes": "html-srcset",
	"target": "html-target", "usemap": "html-image-maps", "valign": "html-valign", "width": "html-width", "inert": "css-inert-attribute",
}

var imageFeatures = map[string]string{
	".apng": "image-apng", ".avif": "image-avif", ".bmp": "image-bmp", ".gif": "image-gif", ".heic": "image-heif", ".heif": "image-heif",
	".ico": "image-ico", ".jpg": "image-jpg", ".jpeg": "image-jpg", ".mp4": "image-mp4", ".png": "image-png", ".svg": "image-svg",
	".tif": "image-tiff", ".tiff": "image-tiff", ".webp": "image-webp", ".hdr": "image-hdr", ".jxr": "image-hdr",
}

func (f *finder) elements() {
	if f.page.doctype {
		f.add("html-doctype", 1, "line 1, <!doctype>")
	}
	for i := range f.page.elements {
		e := &f.page.elements[i]
		place := f.page.place(i)
		slug, shared := elementFeatures[e.tag]
		if !shared {
			slug = "html-" + e.tag
		}
		switch e.tag {
		case "input", "button":
			slug = "html-" + e.tag + "-" + strings.ToLower(e.value("type"))
		case "meta":
			if strings.EqualFold(e.value("name"), "color-scheme") {
				slug = "html-meta-color-scheme"
			}
		case "a":
			href := strings.ToLower(strings.TrimSpace(e.value("href")))
			if strings.HasPrefix(href, "#") && len(href) > 1 {
				slug = "html-anchor-links"
			} else if strings.HasPrefix(href, "mailto:") {
				slug = "html-mailto-links"
			}
		case "img":
			f.image(e.value("src"), e.line, place)
		}
		f.add(slug, e.line, place)
		for _, a := range e.attrs {
			if slug, ok := attributeFeatures[a.Key]; ok {
				f.add(slug, e.line, fmt.Sprintf("line %d, <%s %s>", e.line, e.tag, a.Key))
			}
		}
		for _, d := range readStyle(e.value("style")) {
			f.declaration(d, e.line, place)
		}
	}
}

func (f *finder) image(src string, line int, place string) {
	src = strings.TrimSpace(src)
	if len(src) > 5 && strings.EqualFold(src[:5], "data:") {
		f.add("image-base64", line, place)
		if strings.HasPrefix(strings.ToLower(src[5:]), "image/svg") {
			f.add("image-svg", line, place)
		}
		return
	}
	src, _, _ = strings.Cut(src, "?")
	src, _, _ = strings.Cut(src, "#")
	if slug, ok := imageFeatures[strings.ToLower(path.Ext(src))]; ok {
		f.add(slug, line, place)
	}
}

// sheet looks through a style block.
func (f *finder) sheet(s sheet) {
	for _, at := range s.at {
		place := fmt.Sprintf("line %d, %s", at.line, at.name)
		switch at.name {
		case "@font-face", "@import", "@keyframes", "@media", "@supports":
			f.add("css-at-"+at.name[1:], at.line, place)
		}
		if at.name == "@media" {
			for _, m := range mediaFeatures {
				if strings.Contains(strings.ToLower(at.prelude), m.word) {
					f.add(m.slug, at.line, place)
				}
			}
		}
	}
	if s.nesting > 0 {
		f.add("css-nesting", s.nesting, fmt.Sprintf("line %d, <style>", s.nesting))
	}
	for _, r := range s.rules {
		place := fmt.Sprintf("line %d, <style>", r.line)
		if len(r.selectors) > 1 {
			f.add("css-selector-grouping", r.line, place)
		}
		for _, text := range r.selectors {
			f.selector(text, r.line, place)
		}
		for _, d := range r.decls {
			f.declaration(d, r.line, place)
		}
	}
}

var mediaFeatures = []struct{ word, slug string }{
	{"prefers-color-scheme", "css-at-media-prefers-color-scheme"},
	{"prefers-reduced-motion", "css-at-media-prefers-reduced-motion"},
	{"orientation", "css-at-media-orientation"},
	{"hover", "css-at-media-hover"},
	{"device-pixel-ratio", "css-at-media-device-pixel-ratio"},
}

var pseudo = regexp.MustCompile(`(::?)([a-z-]+)`)

// selector looks at the kinds of selector and combinator.
func (f *finder) selector(text string, line int, place string) {
	bare := attributePart.ReplaceAllString(text, "[]")
	for _, kind := range []struct{ mark, slug string }{
		{"#", "css-selector-id"},
		{".", "css-selector-class"},
		{"[]", "css-selector-attribute"},
		{"*", "css-selector-universal"},
		{">", "css-selector-child"},
		{"+", "css-selector-adjacent-sibling"},
		{"~", "css-selector-general-sibling"},
	} {
		if strings.Contains(bare, kind.mark) {
			f.add(kind.slug, line, place)
		}
	}
	for part := range strings.FieldsFuncSeq(bare, func(r rune) bool { return strings.ContainsRune(" >+~", r) }) {
		if c := part[0]; c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			f.add("css-selector-type", line, place)
		}
		if strings.Count(part, ".")+strings.Count(part, "#")+strings.Count(part, "[]") > 1 {
			f.add("css-selector-chaining", line, place)
		}
	}
	if words := strings.Fields(strings.NewReplacer(">", " > ", "+", " + ", "~", " ~ ").Replace(bare)); len(words) > 1 {
		for i := 1; i < len(words); i++ {
			if !strings.Contains(">+~", words[i]) && !strings.Contains(">+~", words[i-1]) {
				f.add("css-selector-descendant", line, place)
			}
		}
	}
	for _, m := range pseudo.FindAllStringSubmatch(strings.ToLower(bare), -1) {
		slug := "css-pseudo-class-" + m[2]
		if _, ok := table().features[slug]; !ok || m[1] == "::" {
			slug = "css-pseudo-element-" + m[2]
		}
		f.add(slug, line, place)
	}
}

var attributePart = regexp.MustCompile(`\[[^\]]*\]`)

// propertyFeatures are the properties that share a row or whose row is named
// otherwise; each other property's row is "css-" and its name.
var propertyFeatures = map[string]string{
	"column-gap": "css-gap", "row-gap": "css-gap", "grid-gap": "css-gap",
	"grid-template-columns": "css-grid-template", "grid-template-rows": "css-grid-template", "grid-template-areas": "css-grid-template",
	"left": "css-left-right-top-bottom", "right": "css-left-right-top-bottom", "top": "css-left-right-top-bottom", "bottom": "css-left-right-top-bottom",
	"margin-top": "css-margin", "margin-right": "css-margin", "margin-bottom": "css-margin", "margin-left": "css-margin",
	"padding-top": "css-padding", "padding-right": "css-padding", "padding-bottom": "css-padding", "padding-left": "css-padding",
	"border-top": "css-border", "border-right": "css-border", "border-bottom": "css-border", "border-left": "css-border",
	"border-color": "css-border", "border-style": "css-border", "border-width": "css-border",
	"border-top-left-radius": "css-border-radius", "border-top-right-radius": "css-border-radius",
	"border-bottom-left-radius": "css-border-radius", "border-bottom-right-radius": "css-border-radius",
	"margin-inline": "css-margin-inline-block", "margin-block": "css-margin-inline-block",
	"margin-inline-start": "css-margin-inline-start-end", "margin-inline-end": "css-margin-inline-start-end",
	"margin-block-start": "css-margin-block-start-end", "margin-block-end": "css-margin-block-start-end",
	"padding-inline": "css-padding-inline-block", "padding-block": "css-padding-inline-block",
	"padding-inline-start": "css-padding-inline-start-end", "padding-inline-end": "css-padding-inline-start-end",
	"padding-block-start": "css-padding-block-start-end", "padding-block-end": "css-padding-block-start-end",
	"border-inline": "css-border-inline-block", "border-block": "css-border-inline-block",
	"block-size": "css-block-inline-size", "inline-size": "css-inline-size",
	"animation-name": "css-animation", "animation-duration": "css-animation", "column-width": "css-column-layout-properties",
	"columns": "css-column-layout-properties", "column-rule": "css-column-layout-properties", "font-family": "",
	"scroll-snap-type": "css-scroll-snap", "scroll-snap-align": "css-scroll-snap", "overflow-x": "css-overflow", "overflow-y": "css-overflow",
	"transition-property": "css-transition", "transition-duration": "css-transition", "flex-flow": "css-flex-wrap",
	// These words are rows of something else than a property.
	"comments": "", "variables": "", "important": "", "nesting": "", "rgb": "", "rgba": "", "display": "",
}

var (
	unitPart     = regexp.MustCompile(`(?:^|[\s,(/*+-])[0-9]*\.?[0-9]+(%|[a-z]+)`)
	functionPart = regexp.MustCompile(`([a-z-]+)\(`)
	urlPart      = regexp.MustCompile(`url\(\s*["']?([^"')]*)`)
)

var functionFeatures = map[string]string{
	"calc": "css-unit-calc", "clamp": "css-function-clamp", "min": "css-function-min", "max": "css-function-max",
	"light-dark": "css-function-light-dark", "linear-gradient": "css-linear-gradient", "radial-gradient": "css-radial-gradient",
	"conic-gradient": "css-conic-gradient", "rgb": "css-rgb", "rgba": "css-rgba", "var": "css-variables",
	"lch": "css-modern-color", "oklch": "css-modern-color", "lab": "css-modern-color", "oklab": "css-modern-color",
}

// declaration looks at a property and its value.
func (f *finder) declaration(d declaration, line int, place string) {
	add := func(slug string) { f.add(slug, line, place) }
	value := strings.ToLower(d.value)
	if strings.HasPrefix(d.property, "--") {
		add("css-variables")
		return
	}
	if strings.HasPrefix(d.property, "-") || strings.HasPrefix(d.property, "mso-") {
		return // a program's own: meant for that one alone
	}
	slug, shared := propertyFeatures[d.property]
	if !shared {
		slug = "css-" + d.property
	}
	if d.property == "display" {
		switch value {
		case "flex", "inline-flex":
			slug = "css-display-flex"
		case "grid", "inline-grid":
			slug = "css-display-grid"
		case "none":
			slug = "css-display-none"
		default:
			slug = "css-display"
		}
	}
	add(slug)
	if d.important {
		add("css-important")
	}
	for _, m := range urlPart.FindAllStringSubmatch(d.value, -1) {
		f.image(m[1], line, place)
		if d.property == "background" {
			add("css-background-image")
		}
	}
	if strings.Contains(value, "url(") {
		return // what follows would be looked for in the address
	}
	for _, m := range functionPart.FindAllStringSubmatch(value, -1) {
		add(functionFeatures[m[1]])
	}
	for _, m := range unitPart.FindAllStringSubmatch(value, -1) {
		if m[1] == "%" {
			add("css-unit-percent")
		} else {
			add("css-unit-" + m[1])
		}
	}
	switch {
	case value == "initial":
		add("css-unit-initial")
	case strings.Contains(value, "fit-content"), strings.Contains(value, "min-content"), strings.Contains(value, "max-content"):
		add("css-intrinsic-size")
	}
	if strings.HasPrefix(d.property, "font") && (strings.Contains(value, "system-ui") || strings.Contains(value, "ui-s") || strings.Contains(value, "ui-monospace") || strings.Contains(value, "ui-rounded")) {
		add("css-sytem-ui") //nolint:misspell // the table's own spelling
	}
}
