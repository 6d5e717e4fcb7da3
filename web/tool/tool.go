// Package tool holds what the tool's own pages share, the preview, the inbox
// and whatever comes beside them: a style sheet, the guard that keeps other
// sites' pages out, and the framing of a letter inside a page.
package tool

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"time"
)

//go:embed tool.css
var css []byte

// Mark is Lede's mark, a thick bar over two thin ones, drawn in the colour of
// the text around it.
const Mark template.HTML = `<svg viewBox="0 0 18 18" aria-hidden="true" fill="currentColor"><path d="M0 2h18v7H0zM0 11h18v2H0zM0 15h12v2H0z"/></svg>`

// Shapes are the 12 px shapes that stand before a state's word, by name.
var shapes = map[string]template.HTML{
	"tick":     `<path d="M1 6.5 4.5 10 11 2.5" fill="none" stroke="currentColor" stroke-width="2"/>`,
	"cross":    `<path d="M2 2l8 8M10 2l-8 8" fill="none" stroke="currentColor" stroke-width="2"/>`,
	"dash":     `<path d="M2 6h8" fill="none" stroke="currentColor" stroke-width="2"/>`,
	"triangle": `<path d="M6 1.5 11 10.5H1z" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M6 4.5v3M6 8.2v1.2" stroke="currentColor" stroke-width="1.2"/>`,
}

// Shape draws the shape of the name tick, cross, dash or triangle, coloured by
// tone (ok, warn, bad, or empty for the text's colour). It is hidden from
// screen readers: the word beside it says the same.
func Shape(name, tone string) template.HTML {
	class := "shape"
	switch tone {
	case "ok", "warn", "bad":
		class += " " + tone
	}
	return template.HTML(`<svg class="` + class + `" viewBox="0 0 12 12" aria-hidden="true">` + string(shapes[name]) + `</svg>`)
}

// CSS serves the shared style sheet.
func CSS() http.Handler { return Asset("text/css; charset=utf-8", css) }

// Asset serves bytes that are built into the program. Browsers keep them and
// ask, by their ETag, whether they are still the same.
func Asset(contentType string, body []byte) http.Handler {
	sum := sha256.Sum256(body)
	etag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	})
}
