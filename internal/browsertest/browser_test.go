package browsertest

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// The browser opens pages, follows them, has the size and the scheme that are
// asked for, and takes pictures of what is seen.
func TestBrowser(t *testing.T) {
	b := Open(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/next" {
			fmt.Fprint(w, `<!doctype html><title>Next</title><p>There.`)
			return
		}
		fmt.Fprint(w, `<!doctype html><title>First</title><style>
			body { margin: 0; background: #fff } @media (prefers-color-scheme: dark) { body { background: #010203 } }
			</style><a id="on" href="/next" style="display:none">On</a><div style="width:400px">Wide</div>
			<script>setTimeout(() => { document.querySelector('#on').style.display = 'inline' }, 50)</script>`)
	}))
	t.Cleanup(server.Close)
	shots := t.TempDir()
	t.Setenv("PAGES_SHOTS", shots)

	b.Window(500, 300, "dark")
	b.Visit(server.URL)
	b.Fits("500 px")
	picture, err := png.Decode(bytes.NewReader(b.Picture("first")))
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds(); size.Dx() != 500 || size.Dy() != 300 {
		t.Errorf("the picture is %s", size)
	}
	if red, green, blue, _ := picture.At(490, 290).RGBA(); red>>8 != 1 || green>>8 != 2 || blue>>8 != 3 {
		t.Errorf("the background is %d %d %d: not the dark one", red>>8, green>>8, blue>>8)
	}
	if _, err := os.Stat(filepath.Join(shots, "first.png")); err != nil {
		t.Error(err)
	}
	b.Window(300, 300, "light")
	if got := Eval[string](b, `getComputedStyle(document.body).backgroundColor`); got != "rgb(255, 255, 255)" {
		t.Errorf("in light %s", got)
	}
	if over := Eval[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over != 100 {
		t.Errorf("400 px in 300 are %d px too wide", over)
	}
	b.Click("#on") // which is not there at first
	b.Wait(`document.title === "Next"`)
}

// The judges are where tools/setup.sh puts them.
func TestCheckers(t *testing.T) {
	dir := Checkers(t)
	for _, name := range []string{"axe-core", "html-validate", "vnu-jar"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}
