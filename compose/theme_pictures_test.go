package compose_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lede/internal/browsertest"
	"lede/templates"
)

// served gives pages, and the picture of the lead, on loopback.
func served(t *testing.T, pages map[string]string) string {
	t.Helper()
	picture := drawn(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch page, ok := pages[strings.TrimPrefix(r.URL.Path, "/")]; {
		case ok:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, strings.ReplaceAll(page, "https://news.example.org/p/", "/p/"))
		case strings.HasPrefix(r.URL.Path, "/p/"):
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write(picture)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// drawn is a picture of our own: sky, sea, a boat.
func drawn(t *testing.T) []byte {
	t.Helper()
	img := image.NewPaletted(image.Rect(0, 0, 1200, 675), color.Palette{
		color.RGBA{186, 208, 212, 255}, color.RGBA{46, 102, 114, 255}, color.RGBA{244, 241, 234, 255}, color.RGBA{20, 48, 58, 255},
	})
	for i, r := range []image.Rectangle{img.Bounds(), image.Rect(0, 380, 1200, 675), image.Rect(340, 330, 630, 400), image.Rect(300, 400, 670, 470)} {
		draw.Draw(img, r, image.NewUniform(img.Palette[i]), image.Point{}, draw.Src)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var (
	styleElement = regexp.MustCompile(`(?s)<style>.*?</style>\n?`)
	outlookOnly  = regexp.MustCompile(`(?s)<!--\[if mso\]>(.*?)<!\[endif\]-->`)
	divStyle     = regexp.MustCompile(`<div class="w" style="[^"]*?color:([^;"]*)[^"]*">`)
	imageStyle   = regexp.MustCompile(`(<img [^>]*?style="display:block;)width:100%;max-width:\d+px;`)
)

// stripped is a letter without its <style>, as some programs show it.
func stripped(page string) string { return styleElement.ReplaceAllString(page, "") }

// word is a letter about as Outlook for Windows shows it: what stands for it
// alone is seen, the column's width and padding are not, pictures have the
// width of their attribute.
func word(page string) string {
	page = stripped(outlookOnly.ReplaceAllString(page, "$1"))
	page = divStyle.ReplaceAllString(page, `<div style="color:$1">`)
	return imageStyle.ReplaceAllString(page, "$1")
}

// TestThemePictures takes the pictures of every theme; `make pictures` keeps
// them in docs/img.
func TestThemePictures(t *testing.T) {
	browser := browsertest.Open(t)
	eachTheme(t, func(t *testing.T, th *templates.Theme) {
		pages := variants(t, th)
		letter := pages["letter"]
		pages["no-images"] = strings.ReplaceAll(letter, `src="https`, `src="data:,`)
		pages["stripped"], pages["word"] = stripped(letter), word(letter)
		address := served(t, pages)
		for _, view := range []struct {
			name, page, scheme string
			width              int64
		}{
			{"desktop", "letter", "light", 640},
			{"phone", "letter", "light", 375},
			{"dark", "letter", "dark", 640},
			{"rtl", "arabic", "light", 640},
			{"no-images", "no-images", "light", 640},
			{"stripped", "stripped", "light", 375},
			{"word", "word", "light", 640},
		} {
			browser.Window(view.width, 800, view.scheme)
			browser.Visit(address + view.page)
			browser.Fits(view.name)
			browser.Window(view.width, int64(browsertest.Eval[int](browser, "document.documentElement.scrollHeight")), view.scheme)
			name := "theme-" + th.Name + "-" + view.name
			shot := browser.Picture(name)
			if folder := os.Getenv("PAGES_SHOTS"); folder != "" {
				if err := os.WriteFile(filepath.Join(folder, name+".png"), small(t, shot), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// small writes a picture anew with its 64 most frequent colours.
func small(t *testing.T, shot []byte) []byte {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	count := map[color.RGBA]int{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			count[color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int { return count[b] - count[a] })
	var palette color.Palette
	for _, c := range colours[:min(64, len(colours))] {
		palette = append(palette, c)
	}
	out := image.NewPaletted(img.Bounds(), palette)
	draw.Draw(out, out.Bounds(), img, image.Point{}, draw.Src)
	var data bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&data, out); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}
