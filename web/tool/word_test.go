package tool

import (
	"strings"
	"testing"
)

func TestWord(t *testing.T) {
	for _, c := range []struct{ name, doc, want string }{
		{"its own part stands", `a<!--[if mso]><table><![endif]-->b`, `a<table>b`},
		{"its version", `<!--[if gte mso 9]>x<![endif]--><!--[if lt mso 12]>y<![endif]--><!--[if mso 16]>z<![endif]-->`, `xz`},
		{"hidden from it", `a<!--[if !mso]><!-->b<!--<![endif]-->c`, `ac`},
		{"hidden in the old way", `a<![if !mso]>b<![endif]>c`, `ac`},
		{"or", `<!--[if (gte mso 9)|(IE)]>x<![endif]--><!--[if IE]>y<![endif]-->`, `x`},
		{"and", `<!--[if (mso)&(!IE)]>x<![endif]--><!--[if (mso)&(IE)]>y<![endif]-->`, `x`},
		{"without an end", `a<!--[if mso]>b`, `a<!--[if mso]>b`},
		{"Office's settings", `<!--[if mso]><xml><o:PixelsPerInch>96</o:PixelsPerInch></xml><![endif]-->a`, `<o:PixelsPerInch></o:PixelsPerInch>a`},
		{"settings that others are not shown", `<!--[if mso]><noscript><xml><o:PixelsPerInch>96</o:PixelsPerInch></xml></noscript><![endif]-->a`, `<o:PixelsPerInch></o:PixelsPerInch>a`},
		{"other comments", `<!-- hello -->`, `<!-- hello -->`},
		{"what it passes over", `<div style="max-width:536px;margin:0 auto;padding:0 32px;color:#111">`, `<div style="color:#111">`},
		{"padding of a cell", `<td style="padding:8px;border-radius:4px">`, `<td style="padding:8px">`},
		{"a quoted semicolon", `<p style="font-family:'a;b';float:left">`, `<p style="font-family:&#39;a;b&#39;">`},
		{"nothing to change", `<p Style='color:red'>`, `<p Style='color:red'>`},
		{"media queries", `<style>@media (max-width:9px){.a{color:red}}.b{color:blue;float:left}@import "x";</style>`, "<style>.b{color:blue}\n</style>"},
		{"an open block", `<style>@media x{.a{</style>`, `<style></style>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Word(c.doc); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

func TestFrameWithoutStyle(t *testing.T) {
	const doc = `<html><head><style>p{color:red}</style><title>x</title><STYLE>b{}</STYLE></head><body><p style="color:blue">y</p></body></html>`
	got := Frame(doc, Framing{NoStyle: true})
	if strings.Contains(got, "color:red") || strings.Contains(got, "b{}") || !strings.Contains(got, `<p style="color:blue">y</p></body></html>`) || !strings.Contains(got, "<title>x</title>") {
		t.Errorf("without its style elements: %s", got)
	}
}

// Word's view is made of any letter in time that grows with its length, and
// keeps its text.
func FuzzWord(f *testing.F) {
	f.Add("<!--[if mso]><p style='a:b;c:url(;)'>x<![endif]-->")
	f.Add("<style>@media{{{</style>")
	f.Add(strings.Repeat("<!--[if mso]>", 50))
	f.Fuzz(func(t *testing.T, doc string) {
		if got := Word(doc); len(got) > 6*len(doc)+64 {
			t.Errorf("%d bytes became %d", len(doc), len(got))
		}
	})
}
