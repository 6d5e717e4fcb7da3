package web

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"lede/source"
)

var pictureName = regexp.MustCompile(`^[0-9a-f]{32}\.(jpg|png)$`)

// servePicture serves a picture under the name made of its content: it never
// changes, so it may be kept for ever. Mail programs load it from anywhere.
func servePicture(w http.ResponseWriter, r *http.Request, find func(context.Context, string) (source.Picture, error), log *slog.Logger) {
	name := r.PathValue("name")
	if !pictureName.MatchString(name) {
		plain(w, http.StatusNotFound, "There is no such picture.")
		return
	}
	picture, err := find(r.Context(), name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		plain(w, http.StatusNotFound, "There is no such picture.")
		return
	case err != nil:
		log.Error("picture", "name", name, "err", err)
		plain(w, http.StatusInternalServerError, "This did not work, and it is our fault.")
		return
	}
	if picture.Type != "image/jpeg" && picture.Type != "image/png" {
		plain(w, http.StatusNotFound, "There is no such picture.")
		return
	}
	h := w.Header()
	h.Set("Content-Type", picture.Type)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", `"`+name+`"`)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(picture.Data))
}
