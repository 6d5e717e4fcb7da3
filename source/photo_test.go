package source

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lede/internal/fetch"
)

// quarters is a picture whose four quarters differ: red, green over blue, white.
func quarters(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{255, 0, 0, 255}
			switch {
			case x >= w/2 && y < h/2:
				c = color.RGBA{0, 255, 0, 255}
			case x < w/2 && y >= h/2:
				c = color.RGBA{0, 0, 255, 255}
			case x >= w/2:
				c = color.RGBA{255, 255, 255, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// exif is an APP1 segment with an orientation and a place (GPS) in it.
func exif(order binary.ByteOrder, orientation uint16) []byte {
	var b bytes.Buffer
	put := func(v any) { _ = binary.Write(&b, order, v) }
	if order == binary.LittleEndian {
		b.WriteString("II*\x00")
	} else {
		b.WriteString("MM\x00*")
	}
	put(uint32(8))
	put(uint16(2))
	put([]uint16{0x0112, 3})
	put(uint32(1))
	put([]uint16{orientation, 0})
	put([]uint16{0x8825, 4}) // GPS directory
	put([]uint32{1, 38})
	put(uint32(0))
	b.WriteString("GPS 38.7223 N 9.1393 W")
	body := append([]byte("Exif\x00\x00"), b.Bytes()...)
	out := []byte{0xff, 0xe1}
	out = binary.BigEndian.AppendUint16(out, uint16(len(body)+2))
	return append(out, body...)
}

func jpegWith(t *testing.T, img image.Image, app1 []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return append(append([]byte{0xff, 0xd8}, app1...), b.Bytes()[2:]...)
}

// corners names the colours of a picture's quarters, row by row.
func corners(t *testing.T, data []byte) string {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	var out strings.Builder
	for _, p := range []image.Point{{w / 4, h / 4}, {3 * w / 4, h / 4}, {w / 4, 3 * h / 4}, {3 * w / 4, 3 * h / 4}} {
		r, g, b, _ := img.At(p.X, p.Y).RGBA()
		switch r, g, b = r>>8, g>>8, b>>8; {
		case r > 200 && g > 200 && b > 200:
			out.WriteByte('w')
		case r > 200:
			out.WriteByte('r')
		case g > 200:
			out.WriteByte('g')
		case b > 200:
			out.WriteByte('b')
		default:
			out.WriteByte('?')
		}
	}
	return out.String()
}

func TestOrientation(t *testing.T) {
	// What a viewer that honours EXIF shows of a file that holds "rg/bw".
	want := map[uint16]string{1: "rgbw", 2: "grwb", 3: "wbgr", 4: "bwrg", 5: "rbgw", 6: "brwg", 7: "wgbr", 8: "gwrb", 0: "rgbw", 9: "rgbw"}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for o, colours := range want {
			p, err := develop(jpegWith(t, quarters(400, 200), exif(order, o)), 0)
			if err != nil {
				t.Fatal(err)
			}
			w, h := 400, 200
			if o >= 5 && o <= 8 {
				w, h = h, w
			}
			if p.Width != w || p.Height != h || corners(t, p.Data) != colours {
				t.Errorf("orientation %d (%v): %d×%d %s, want %d×%d %s", o, order, p.Width, p.Height, corners(t, p.Data), w, h, colours)
			}
			if bytes.Contains(p.Data, []byte("GPS")) || bytes.Contains(p.Data, []byte("Exif")) {
				t.Errorf("orientation %d: metadata is left", o)
			}
		}
	}
}

func TestPicturesAreScaled(t *testing.T) {
	for name, c := range map[string]struct {
		w, h, orientation, shown int
		wantW, wantH             int
	}{
		"small":                        {600, 400, 1, 0, 600, 400},
		"wide":                         {2400, 1000, 1, 0, 1200, 500},
		"to twice what a theme shows":  {2400, 1000, 1, 536, 1072, 446},
		"less than twice is kept":      {700, 350, 1, 536, 700, 350},
		"less than once is not larger": {120, 60, 1, 536, 120, 60},
		"sideways":                     {1000, 2400, 6, 0, 1200, 500},
		"tall":                         {100, 8000, 1, 0, 50, 4000},
	} {
		p, err := develop(jpegWith(t, quarters(c.w, c.h), exif(binary.BigEndian, uint16(c.orientation))), c.shown)
		if err != nil || p.Width != c.wantW || p.Height != c.wantH {
			t.Errorf("%s: %d×%d, %v", name, p.Width, p.Height, err)
		}
	}
}

// noisy is a picture that no encoding makes small.
func noisy(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	dice := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		img.Pix[i] = byte(dice.Uint32())
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	return img
}

func TestHeavyPhotographsAreEncodedLighter(t *testing.T) {
	var best bytes.Buffer
	img := noisy(700, 500)
	if err := jpeg.Encode(&best, img, &jpeg.Options{Quality: jpegQualities[0]}); err != nil {
		t.Fatal(err)
	}
	p, err := encode(img, false)
	if err != nil || len(p.Data) >= best.Len()*3/4 || best.Len() <= lightPicture {
		t.Errorf("%d bytes of %d, %v", len(p.Data), best.Len(), err)
	}
	if p, err = encode(quarters(700, 500), false); err != nil {
		t.Fatal(err)
	}
	best.Reset()
	if err := jpeg.Encode(&best, quarters(700, 500), &jpeg.Options{Quality: jpegQualities[0]}); err != nil || !bytes.Equal(p.Data, best.Bytes()) {
		t.Error("a light photograph loses for nothing")
	}
}

// What is transparent gets a ground that it can be told from in light and dark.
func TestTransparentPictures(t *testing.T) {
	drawn := func(lines, back color.NRGBA) []byte {
		img := image.NewNRGBA(image.Rect(0, 0, 90, 60))
		for y := range 60 {
			for x := range 90 {
				img.SetNRGBA(x, y, back)
				if x%9 < 3 {
					img.SetNRGBA(x, y, lines)
				}
			}
		}
		var out bytes.Buffer
		if err := png.Encode(&out, img); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	black, white, cream, blue := color.NRGBA{0, 0, 0, 255}, color.NRGBA{255, 255, 255, 255}, color.NRGBA{255, 250, 220, 200}, color.NRGBA{0, 40, 200, 255}
	clear := color.NRGBA{}
	for name, c := range map[string]struct {
		data   []byte
		ground color.RGBA // of the clear pixels
	}{
		"black lines": {drawn(black, clear), lightGround}, "white lines": {drawn(white, clear), darkGround},
		"half clear cream": {drawn(cream, clear), darkGround}, "blue lines": {drawn(blue, clear), lightGround},
		"clear lines in black": {drawn(clear, black), color.RGBA{0, 0, 0, 255}},
	} {
		p, err := develop(c.data, 0)
		if err != nil {
			t.Fatal(err)
		}
		img, _, err := image.Decode(bytes.NewReader(p.Data))
		if err != nil || !opaque(img) {
			t.Fatalf("%s: %v, or still transparent", name, err)
		}
		r, g, b, _ := img.At(5, 5).RGBA()
		if got := (color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}); got != c.ground {
			t.Errorf("%s: the ground is %v, want %v", name, got, c.ground)
		}
	}
}

func TestDrawingsAndPhotographs(t *testing.T) {
	var drawing, moving bytes.Buffer
	if err := png.Encode(&drawing, quarters(300, 200)); err != nil {
		t.Fatal(err)
	}
	p, err := develop(drawing.Bytes(), 0)
	if err != nil || p.Type != "image/png" || !strings.HasSuffix(p.Name, ".png") || len(p.Name) != 36 {
		t.Errorf("a drawing: %s %s %v", p.Type, p.Name, err)
	}
	drawing.Reset()
	if err := png.Encode(&drawing, noisy(300, 200)); err != nil {
		t.Fatal(err)
	}
	if p, err := develop(drawing.Bytes(), 0); err != nil || p.Type != "image/jpeg" || !strings.HasSuffix(p.Name, ".jpg") {
		t.Errorf("a photograph as PNG: %s %v", p.Type, err)
	}
	see := quarters(300, 200)
	see.SetRGBA(0, 0, color.RGBA{})
	drawing.Reset()
	if err := png.Encode(&drawing, see); err != nil {
		t.Fatal(err)
	}
	if p, err := develop(drawing.Bytes(), 0); err != nil || p.Type != "image/png" {
		t.Errorf("a transparent drawing: %s %v", p.Type, err)
	}
	palette := color.Palette{color.Black, color.White}
	frames := &gif.GIF{Image: []*image.Paletted{image.NewPaletted(image.Rect(0, 0, 20, 10), palette), image.NewPaletted(image.Rect(0, 0, 20, 10), palette)}, Delay: []int{1, 1}}
	if err := gif.EncodeAll(&moving, frames); err != nil {
		t.Fatal(err)
	}
	if p, err := develop(moving.Bytes(), 0); err != nil || p.Width != 20 || bytes.HasPrefix(p.Data, []byte("GIF")) {
		t.Errorf("an animation: %+v %v", p.Type, err)
	}
}

// hugePNG declares far more pixels than it holds bytes.
func hugePNG(w, h uint32) []byte {
	out := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, body []byte) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(body)))
		all := append([]byte(kind), body...)
		out = append(out, all...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(all))
	}
	head := binary.BigEndian.AppendUint32(nil, w)
	head = binary.BigEndian.AppendUint32(head, h)
	chunk("IHDR", append(head, 8, 6, 0, 0, 0))
	var z bytes.Buffer
	zw := zlib.NewWriter(&z)
	_, _ = zw.Write(make([]byte, 1<<16))
	zw.Close()
	chunk("IDAT", z.Bytes())
	chunk("IEND", nil)
	return out
}

func TestPicturesThatAreRefused(t *testing.T) {
	var dot bytes.Buffer
	if err := png.Encode(&dot, image.NewRGBA(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	var nothing bytes.Buffer
	if err := png.Encode(&nothing, image.NewRGBA(image.Rect(0, 0, 20, 20))); err != nil {
		t.Fatal(err)
	}
	whole := jpegWith(t, quarters(400, 200), nil)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"bomb":      {hugePNG(100_000, 100_000), "at most 50 million"},
		"damaged":   {hugePNG(1000, 1000), "is damaged"},
		"cut short": {whole[:len(whole)/2], "is damaged"},
		"svg":       {[]byte(`<?xml version="1.0"?><svg onload="alert(1)"/>`), "is SVG"},
		"page":      {[]byte("<!DOCTYPE html><title>404</title>"), "is a web page"},
		"heic":      {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), "HEIC"},
		"ribbon":    {jpegWith(t, quarters(4000, 20), nil), "only 1200 × 6 pixels"},
		"clear":     {nothing.Bytes(), "transparent all over"},
		"pixel":     {dot.Bytes(), "only 1 × 1 pixels"},
		"empty":     {nil, "is empty"},
		"text":      {[]byte("hello"), "is not a JPEG"},
	} {
		if _, err := develop(c.data, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestPictureOfAFolder(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret.jpg")
	for _, at := range []string{filepath.Join(dir, "pier.png"), secret} { // the name does not matter
		if err := os.WriteFile(at, jpegWith(t, quarters(40, 20), nil), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(secret, filepath.Join(dir, "out.jpg")); err != nil {
		t.Skip(err)
	}
	g := &Gatherer{}
	spec := Spec{ID: "desk", Folder: dir}
	p, err := g.Picture(t.Context(), spec, Image{Path: "pier.png"})
	if err != nil || p.Type != "image/jpeg" || p.Width != 40 {
		t.Errorf("%+v %v", p.Type, err)
	}
	for _, path := range []string{"out.jpg", "../secret.jpg", secret, "a\x00b", "..\\secret.jpg", "gone.jpg", ".", "pier.png/x"} {
		if _, err := g.Picture(t.Context(), spec, Image{Path: path}); err == nil {
			t.Errorf("%q was read", path)
		}
	}
	if _, err := g.Picture(t.Context(), Spec{ID: "feed", Feed: "x"}, Image{Path: "pier.png"}); err == nil {
		t.Error("a feed named a file")
	}
}

func TestPictureOfAnAddress(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(jpegWith(t, quarters(40, 20), nil))
	}))
	defer s.Close()
	g := &Gatherer{HTTP: fetch.New(fetch.Options{})}
	if p, err := g.Picture(t.Context(), Spec{Private: true}, Image{URL: s.URL + "/a.jpg"}); err != nil || p.Width != 40 {
		t.Errorf("%+v %v", p, err)
	}
	if _, err := g.Picture(t.Context(), Spec{}, Image{URL: s.URL + "/a.jpg?key=SECRET"}); err == nil || strings.Contains(err.Error(), "SECRET") || !strings.Contains(err.Error(), "private: true") {
		t.Errorf("a picture inside the network: %v", err)
	}
}
