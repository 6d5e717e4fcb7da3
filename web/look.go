package web

import (
	"net/http"
	"strings"
	texttemplate "text/template"

	"lede/templates"
	"lede/web/tool"
)

// lookSheet lays a newsletter's colours and fonts over those of reader.css. All
// of its values were checked when the theme was loaded.
var lookSheet = texttemplate.Must(texttemplate.New("look").Parse(`{{define "colours"}}
  --paper: {{.Paper}}; --ink: {{.Ink}}; --ink2: {{.Muted}}; --accent: {{.Accent}}; --on-accent: {{.OnAccent}};
  --line: {{.Line}}; --edge: {{.Edge}}; --sunk: {{.Sunk}}; --bad: {{.Bad}}; --bad-wash: {{.BadWash}};
{{if .Band}}  --band: {{.Band}}; --band-ink: {{.BandInk}};
{{end}}{{end}}:root {{"{"}}{{template "colours" .Light}}  --display: {{.Display}}; --reading: {{.Reading}}; --sans: {{.Small}};
}
:root[dir="rtl"] { --display: {{.RTL}}; --reading: {{.RTL}}; --sans: {{.RTL}}; }
@media (prefers-color-scheme: dark) {
:root {{"{"}}{{template "colours" .Dark}}}
}
{{if .Light.Band}}header { margin: 0 -20px; padding: 16px 20px; border: 0; background: var(--band); color: var(--band-ink); }
header .line { color: inherit; }
{{end}}`))

// lookCSS is the style sheet of a newsletter's look.
func lookCSS(look templates.PageLook) ([]byte, error) {
	var out strings.Builder
	err := lookSheet.Execute(&out, look)
	return []byte(out.String()), err
}

// look serves a newsletter's style sheet.
func (h site) look(w http.ResponseWriter, r *http.Request) {
	id, isCSS := strings.CutSuffix(r.PathValue("file"), ".css")
	n := h.newsletter(id)
	if !isCSS || n.Look == nil {
		plain(w, http.StatusNotFound, "not found")
		return
	}
	css, err := lookCSS(*n.Look)
	if err != nil {
		h.Log.Error("page", "path", pattern(r), "err", err)
		plain(w, http.StatusInternalServerError, "fault")
		return
	}
	tool.Asset("text/css; charset=utf-8", css).ServeHTTP(w, r)
}

// Logo is the newsletter's; nil for none.
func (n Newsletter) Logo() *templates.Logo {
	if n.Look == nil {
		return nil
	}
	return n.Look.Logo
}

// allowLogo lets the page load the newsletter's logo from where it is.
func allowLogo(w http.ResponseWriter, n Newsletter) {
	if logo := n.Logo(); logo != nil {
		policy := w.Header().Get("Content-Security-Policy")
		w.Header().Set("Content-Security-Policy", strings.Replace(policy, "img-src data:", "img-src data: "+Origin(logo.URL), 1))
	}
}
