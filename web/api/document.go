package api

import (
	_ "embed" // the document
	"net/http"
)

//go:embed openapi.json
var document []byte

// Document is the description of the API (OpenAPI 3.1).
func Document() []byte { return document }

// document serves the description, to whoever asks, while there is a valid token.
func (a *API) document(w http.ResponseWriter, r *http.Request) {
	open, err := a.Tokens.HasAPITokens(r.Context(), a.Now())
	switch {
	case err != nil:
		a.write(w, r, a.failed(&call{API: a, r: r}, err, w.Header()))
	case !open:
		a.write(w, r, answerOf(reply{}, errNoSuchPath()))
	default:
		a.write(w, r, Answer{Status: http.StatusOK, Type: "application/json", Body: string(document)})
	}
}
