package web

import (
	"bytes"
	"html/template"
	"net/url"
	"strings"
	"sync"

	"lede/compose"
	"lede/templates"
)

// told writes an edition's content as plain HTML, without a letter's layout: for
// feed readers, which have styles of their own. base is where its pictures are,
// words has its dates.
func told(e compose.Edition, base string, words templates.Words) (string, error) {
	var out bytes.Buffer
	if err := toldTemplate().Execute(&out, toldView{e, base, words}); err != nil {
		return "", err
	}
	return strings.TrimSpace(out.String()), nil
}

type toldView struct {
	compose.Edition
	Base  string
	Words templates.Words
}

// When is the day of an event, and its hour if it has one.
func (v toldView) When(b compose.Brief) string {
	if b.Starts.IsZero() {
		return ""
	}
	return v.Words.EventTime(b.Starts, b.AllDay)
}

// Picture is the lead's, when there is one.
func (v toldView) Picture() *compose.Figure {
	if v.Lead == nil || v.Lead.Image == nil || !pictureName.MatchString(v.Lead.Image.Name) {
		return nil
	}
	return v.Lead.Image
}

var toldTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("told").Funcs(template.FuncMap{"blocks": blocksHTML, "web": webAddress}).Parse(`
{{- define "headline"}}{{with web .URL}}<a href="{{.}}">{{end}}{{.Title}}{{if web .URL}}</a>{{end}}{{end -}}
{{with .Lead}}{{with .Kicker}}<p>{{.}}</p>
{{end}}{{if .Title}}<h2{{with .Lang}} lang="{{.}}"{{end}}>{{template "headline" .}}</h2>
{{end}}{{with .Standfirst}}<p><em>{{.}}</em></p>
{{end}}{{with .Author}}<p>{{.}}</p>
{{end}}{{with $.Picture}}<p><img src="{{$.Base}}/p/{{.Name}}" width="{{.Width}}" height="{{.Height}}" alt="{{.Alt}}"></p>
{{with .Caption}}<p>{{.}}</p>
{{end}}{{end}}{{blocks .Body}}{{end}}
{{- range .Sections}}{{if .Briefs}}{{with .Title}}<h2>{{.}}</h2>
{{end}}{{range .Briefs}}{{if .Title}}<h3{{with .Lang}} lang="{{.}}"{{end}}>{{template "headline" .}}</h3>
{{end}}{{with $.When .}}<p>{{.}}</p>
{{end}}{{with .Place}}<p>{{.}}</p>
{{end}}{{with .Number}}<p><strong>{{.}}</strong></p>
{{end}}{{if .Body}}{{blocks .Body}}{{else if .Teaser}}<p>{{if and (not .Title) (web .URL)}}<a href="{{.URL}}">{{.Teaser}}</a>{{else}}{{.Teaser}}{{end}}{{with .Publication}} ({{.}}){{end}}</p>
{{end}}{{end}}{{end}}{{end}}`))
})

// webAddress is an address that a link may have; empty for any other.
func webAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return address
}

// blocksHTML writes running text. A block's HTML was made by compose of a few
// inline elements.
func blocksHTML(blocks []compose.Block) template.HTML {
	var out strings.Builder
	list := ""
	end := func(now string) {
		if list != "" && list != now {
			out.WriteString("</" + list + ">\n")
		}
		if now != "" && list != now {
			out.WriteString("<" + now + ">\n")
		}
		list = now
	}
	for _, b := range blocks {
		wanted, element := "", "p"
		switch b.Kind {
		case "bullet":
			wanted, element = "ul", "li"
		case "number":
			wanted, element = "ol", "li"
		case "heading":
			element = "h3"
		case "quote":
			element = "blockquote"
		case "pre":
			element = "pre"
		}
		end(wanted)
		out.WriteString("<" + element + ">" + b.HTML + "</" + element + ">\n")
	}
	end("")
	return template.HTML(out.String()) //nolint:gosec // compose made it of a[href], em, strong, code, br, sup and sub alone
}
