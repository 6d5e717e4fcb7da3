package source

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

func TestSanitise(t *testing.T) {
	const base = "https://quay.example/news/tide.html"
	for name, c := range map[string]struct{ in, want string }{
		"plain text":         {"Hello  there", "<p>Hello there</p>"},
		"marks":              {"<p><i>a</i> <b>b</b> <u>c</u></p>", "<p><em>a</em> <strong>b</strong> c</p>"},
		"two breaks":         {"one<br><br/>two", "<p>one</p><p>two</p>"},
		"one break":          {"one<br> two", "<p>one<br>two</p>"},
		"strong line":        {"<p><b>Why</b><br>Because.</p>", "<p><strong>Why</strong></p><p>Because.</p>"},
		"relative links":     {`<a href="../map">m</a> <a href="#n">n</a>`, `<p><a href="https://quay.example/map">m</a> <a href="https://quay.example/news/tide.html#n">n</a></p>`},
		"mail":               {`<a href="mailto:ines@quay.example">write</a>`, `<p><a href="mailto:ines@quay.example">write</a></p>`},
		"link keeps text":    {`<a href="javascript:alert(1)">tap</a>`, `<p>tap</p>`},
		"credentials":        {`<a href="https://bank.example@evil.example/">x</a>`, `<p><a href="https://evil.example/">x</a></p>`},
		"div and section":    {`<div>a<div>b</div>c</div>`, `<p>a</p><p>b</p><p>c</p>`},
		"list":               {`<ul><li>a<li><p>b</p><p>c</p><ol><li>d</ol></ul>`, `<ul><li>a</li><li><p>b</p><p>c</p><ol><li>d</li></ol></li></ul>`},
		"item outside list":  {`<li>a</li>`, `<ul><li>a</li></ul>`},
		"list in list":       {`<ul><ul><li>a</ul></ul>`, `<ul><li><ul><li>a</li></ul></li></ul>`},
		"pre":                {"<pre>\n a\n\tb</pre>", "<pre> a\n    b</pre>"},
		"quotation":          {"<blockquote>a</blockquote>", "<blockquote><p>a</p></blockquote>"},
		"heading":            {"<h2>a <p>b</p></h2>", "<h2>a b</h2>"},
		"table":              {"<table><tr><td>High water</td><td>06:12</td></tr><tr><td>Low</td><td>12:20</td></tr></table>", "<p>High water 06:12</p><p>Low 12:20</p>"},
		"figure":             {`<figure><img src="a.jpg"><figcaption>The pier</figcaption></figure><p>Text</p>`, "<p>Text</p>"},
		"empty things":       {"<p></p><p>&nbsp;</p><ul></ul><b> </b>", ""},
		"mark across blocks": {"<b><p>a</p><p>b</p></b>", "<p><strong>a</strong></p><p><strong>b</strong></p>"},
		"words stay apart":   {"<p>I <b>agree</b></p><p>I<b> agree</b></p><td>x</td>", "<p>I <strong>agree</strong></p><p>I <strong>agree</strong></p><p>x</p>"},
		"entities":           {"Fish &amp; chips &lt;b&gt; &#8217;", "<p>Fish &amp; chips &lt;b&gt; ’</p>"},
		"superior":           {"m<sup>2</sup> H<sub>2</sub>O", "<p>m<sup>2</sup> H<sub>2</sub>O</p>"},
		"emoji picture":      {`Well done <img class="emoji" alt="🎉" src="x.png">!`, "<p>Well done 🎉!</p>"},
		"hidden":             {`<p>a</p><p style="display: none">b</p><p hidden>c</p>`, "<p>a</p>"},
		"bidi and zero":      {"a\u202egnp.exe\u200bb \u2066x\u2069", "<p>agnp.exeb x</p>"},
		"joiners stay":       {"👩\u200d🚒 نمی\u200cخواهم", "<p>👩\u200d🚒 نمی\u200cخواهم</p>"},
		"foreign text":       {"<math><mi>x</mi></math><svg><text>y</text></svg>z", "<p>z</p>"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Sanitise(c.in, base)
			if got != c.want {
				t.Errorf("\ngot  %s\nwant %s", got, c.want)
			}
			if again := Sanitise(got, base); again != got {
				t.Errorf("again\ngot  %s\nwant %s", again, got)
			}
		})
	}
}

func TestLinksWithoutBaseLoseTheirTag(t *testing.T) {
	if got := Sanitise(`<a href="/map">map</a>`, ""); got != "<p>map</p>" {
		t.Errorf("got %s", got)
	}
}

func TestPlainText(t *testing.T) {
	for in, want := range map[string]string{
		"<h2>Tides</h2><p>High<br>water</p><ul><li>one<li>two</ul>": "Tides\n\nHigh water\n\none\n\ntwo",
		"plain & simple":                    "plain & simple",
		"<p>a&nbsp;b</p><script>x</script>": "a b",
		"":                                  "",
	} {
		if got := PlainText(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// payloads are ways to bring a script in; each calls alert or names a scheme
// that would.
var payloads = []string{
	`<script>alert(1)</script>`, `<ScRiPt>alert(1)</sCrIpT>`, `<script src=//evil.example/x.js></script>`, `<script >alert(1)</script x>`,
	`<<script>alert(1)//<</script>`, `<scr<script>ipt>alert(1)</scr</script>ipt>`, `<script/x>alert(1)</script>`, "<script\x0c>alert(1)</script>",
	`<img src=x onerror=alert(1)>`, `<img/src=x/onerror=alert(1)>`, "<img src=`x` onerror=alert(1)>", `<img src=x onerror="alert(1)`, `"><img src=x onerror=alert(1)>`,
	`<svg onload=alert(1)>`, `<svg/onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`, `<svg><animate onbegin=alert(1) attributeName=x>`, `<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>`,
	`<math><mi xlink:href="javascript:alert(1)">x</mi></math>`, `<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>`, `<math><annotation-xml encoding="text/html"><script>alert(1)</script></annotation-xml></math>`,
	`<a href="javascript:alert(1)">x</a>`, `<a href=" javascript:alert(1)">x</a>`, `<a href="java&#x0A;script:alert(1)">x</a>`, "<a href=\"java\tscript:alert(1)\">x</a>", `<a href="&#106;avascript:alert(1)">x</a>`,
	"<a href=\"\x01javascript:alert(1)\">x</a>", `<a href="JaVaScRiPt:alert(1)">x</a>`, `<a href="javascript&colon;alert(1)">x</a>`, `<a href="vbscript:alert(1)">x</a>`, `<a href="data:text/html,<script>alert(1)</script>">x</a>`,
	`<a href="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">x</a>`, `<a href="https://quay.example" onclick="alert(1)">x</a>`, `<a href='https://quay.example/"onmouseover=alert(1) x="'>x</a>`, `<a href="https://quay.example/?q=<script>alert(1)</script>">x</a>`,
	`<a href="feed:javascript:alert(1)">x</a>`, `<a href="view-source:javascript:alert(1)">x</a>`, `<a href="//evil.example\@quay.example">x</a>`, `<a href="https:javascript:alert(1)">x</a>`,
	`<iframe src="javascript:alert(1)"></iframe>`, `<iframe srcdoc="<script>alert(1)</script>"></iframe>`, `<object data="javascript:alert(1)"></object>`, `<embed src="javascript:alert(1)">`, `<applet code=x></applet>`,
	`<form action="javascript:alert(1)"><button>x</button></form>`, `<form><input onfocus=alert(1) autofocus></form>`, `<button formaction="javascript:alert(1)">x</button>`, `<isindex action="javascript:alert(1)">`,
	`<body onload=alert(1)>`, `<html onmouseover=alert(1)>x`, `<meta http-equiv="refresh" content="0;url=javascript:alert(1)">`, `<link rel=stylesheet href="javascript:alert(1)">`, `<base href="javascript:alert(1)//"><a href="/x">x</a>`,
	`<style>@import 'javascript:alert(1)';</style>`, `<p style="background:url(javascript:alert(1))">x</p>`, `<div style="width:expression(alert(1))">x</div>`, `<style><img src="</style><img src=x onerror=alert(1)>">`,
	`<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>`, `<textarea><img title="</textarea><img src=x onerror=alert(1)>"></textarea>`, `<title><img title="</title><img src=x onerror=alert(1)>"></title>`, `<xmp><img title="</xmp><img src=x onerror=alert(1)>"></xmp>`,
	`<noembed><img title="</noembed><img src=x onerror=alert(1)>"></noembed>`, `<plaintext><script>alert(1)</script>`, `<template><script>alert(1)</script></template>`, `<select><script>alert(1)</script></select>`, `<select><option><style></option></select><img src=x onerror=alert(1)></style>`,
	`<!--><script>alert(1)</script>-->`, `<!-- --!><script>alert(1)</script>-->`, `<![CDATA[<script>alert(1)</script>]]>`, `<?xml version="1.0"?><script>alert(1)</script>`, `<!DOCTYPE x [<!ENTITY a "<script>alert(1)</script>">]>&a;`,
	`<video><source onerror=alert(1)></video>`, `<audio src=x onerror=alert(1)>`, `<video poster=javascript:alert(1)//></video>`, `<details open ontoggle=alert(1)>x</details>`, `<marquee onstart=alert(1)>x</marquee>`, `<table background="javascript:alert(1)"><tr><td>x</table>`,
	`<x onclick=alert(1)>x</x>`, `<custom-element onfoo=alert(1)>x</custom-element>`, `<p/onclick=alert(1)>x`, "<p\nonclick\n=\nalert(1)>x</p>", `<em onmouseover=alert(1)>x</em>`, `<br onload=alert(1)>`, `<ul onclick=alert(1)><li>x</ul>`,
	`<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`, `<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">`, `<math></p><style><!--</style><img src/onerror=alert(1)>--></style>`,
	`&lt;script&gt;alert(1)&lt;/script&gt;`, `&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;`, "\x00<scr\x00ipt>alert(1)</script>", `<a href="https://quay.example">` + strings.Repeat("<b>", 600) + `<script>alert(1)</script>`,
}

// checkSafe parses HTML as a browser does and looks for anything that Sanitise
// promises to be absent.
func checkSafe(t *testing.T, out string) {
	t.Helper()
	context := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	nodes, err := html.ParseFragment(strings.NewReader(out), context)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		switch n.Type {
		case html.TextNode:
		case html.ElementNode:
			switch n.Data {
			case "p", "br", "em", "strong", "a", "ul", "ol", "li", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "code", "pre", "sup", "sub":
			default:
				t.Errorf("element %s in %s", n.Data, out)
			}
			for _, a := range n.Attr {
				if n.Data != "a" || a.Key != "href" {
					t.Errorf("attribute %s of %s in %s", a.Key, n.Data, out)
				} else if !strings.HasPrefix(a.Val, "https://") && !strings.HasPrefix(a.Val, "http://") && !strings.HasPrefix(a.Val, "mailto:") {
					t.Errorf("link to %q in %s", a.Val, out)
				}
			}
		default:
			t.Errorf("node of type %d in %s", n.Type, out)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	for _, n := range nodes {
		walk(n)
	}
}

func TestHostilePayloads(t *testing.T) {
	for _, p := range payloads {
		for _, in := range []string{p, "<p>" + p + "</p>", p + p, `<a href="https://quay.example/">` + p + "</a>", "<ul><li>" + p} {
			got := Sanitise(in, "https://quay.example/")
			checkSafe(t, got)
			if again := Sanitise(got, "https://quay.example/"); again != got {
				t.Errorf("not stable for %q:\n%s\n%s", in, got, again)
			}
		}
	}
}

func TestNestingIsNeitherSlowNorFatal(t *testing.T) {
	for name, in := range map[string]string{
		"divs":       strings.Repeat("<div>", 50_000) + "deep",
		"lists":      strings.Repeat("<ul><li>", 50_000) + "deep",
		"marks":      strings.Repeat("<b>", 50_000) + "deep",
		"fonts":      strings.Repeat("<font color=x><p>", 50_000) + "deep",
		"links":      strings.Repeat(`<a href="https://quay.example/">`, 30_000) + "deep",
		"tables":     strings.Repeat("<table><tr><td>", 60_000) + "deep",
		"paragraphs": strings.Repeat("<p>x", 50_000) + "deep",
		"items":      strings.Repeat("<li>x", 50_000) + "deep",
		"ends":       strings.Repeat("</p>", 80_000) + "deep",
		"comments":   strings.Repeat("<!-->", 60_000) + "deep",
		"entities":   strings.Repeat("&", 400_000) + "deep",
		"tags":       strings.Repeat("<", 400_000),
		"attributes": "<p " + strings.Repeat("a=b ", 80_000) + ">deep",
		"spaces":     "<p>" + strings.Repeat("<b> </b>", 90_000) + "deep",
		"quotes":     strings.Repeat("<q>", 150) + "deep",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			out := Sanitise(in, "https://quay.example/")
			_ = PlainText(in)
			_ = oneLine(in, maxTitle)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			checkSafe(t, out[:min(len(out), 50_000)])
			if name != "tags" && !strings.Contains(out, "deep") {
				t.Errorf("the text is lost: %.200s", out)
			}
		})
	}
}
