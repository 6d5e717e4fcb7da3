package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"lede/internal/fetch"
)

const (
	dense           = 2   // pixels of the file a pixel of the letter, for fine screens
	usualWidth      = 600 // pixels of a letter, where nobody says how wide a picture is shown
	maxHeight       = 4000
	minSide         = 8
	maxPictureBytes = 20 << 20
	maxPixels       = 50_000_000
	// A JPEG heavier than this is encoded anew, a step of jpegQualities lower.
	lightPicture = 200 << 10
)

// jpegQualities are tried in this order. Twice as many pixels as the letter
// shows hide what the last of them loses.
var jpegQualities = [...]int{82, 74, 66, 58}

// Picture reads a story's picture and makes it safe to hand out: it is decoded
// within limits of bytes and pixels, turned the way its camera was held, scaled
// down to twice the width at which the letter shows it (never up), laid on a
// ground where it is transparent, and encoded again, so that nothing of its
// metadata is left (the place where it was taken may expose someone). JPEG,
// PNG, GIF (its first frame) and WebP are read, by their content and not their
// name. What is smaller as PNG becomes PNG, all else JPEG.
func (g *Gatherer) Picture(ctx context.Context, spec Spec, img Image) (p Picture, err error) {
	data, err := g.pictureBytes(ctx, spec, img)
	if err != nil {
		return Picture{}, err
	}
	g.decoding.Lock()
	defer g.decoding.Unlock()
	defer func() {
		if r := recover(); r != nil {
			p, err = Picture{}, errors.New("the decoder failed on it")
		}
		if err != nil {
			err = fmt.Errorf("picture %s: %w", firstOf(img.Path, fetch.Redact(img.URL)), err)
		}
	}()
	if err := ctx.Err(); err != nil {
		return Picture{}, context.Cause(ctx)
	}
	return develop(data, img.Shown)
}

func (g *Gatherer) pictureBytes(ctx context.Context, spec Spec, img Image) ([]byte, error) {
	switch {
	case img.Path != "" && spec.Folder != "":
		return folderPicture(spec.Folder, img.Path)
	case img.URL != "" && g.HTTP != nil:
		r, err := g.HTTP.Get(ctx, img.URL, fetch.GetOptions{
			Private: spec.Private, MaxBytes: maxPictureBytes, Accept: "image/webp, image/jpeg, image/png, image/gif;q=0.9, */*;q=0.1",
		})
		if err != nil {
			return nil, fmt.Errorf("picture %w", err)
		}
		return r.Body, nil
	}
	return nil, errors.New("the picture has neither an address nor a file")
}

// folderPicture reads a file inside a folder and nowhere else.
func folderPicture(folder, name string) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fileError(folder, err)
	}
	defer root.Close()
	shown := filepath.Join(folder, filepath.FromSlash(name))
	if err := localPath(name); err != nil {
		return nil, fmt.Errorf("picture %q: %w", name, err)
	}
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fileError(shown, err)
	}
	defer f.Close()
	return readOpen(f, shown, maxPictureBytes)
}

// localPath refuses what is no plain path inside a folder.
func localPath(name string) error {
	switch {
	case name == "":
		return errors.New("is empty")
	case strings.ContainsAny(name, "\x00\\"):
		return errors.New("a path is written with / and without NUL")
	case path.IsAbs(name), !filepath.IsLocal(filepath.FromSlash(name)):
		return errors.New("leads out of the source's folder")
	}
	return nil
}

// develop makes a Picture of the bytes of a file that is shown at most so many
// pixels wide.
func develop(data []byte, shown int) (Picture, error) {
	kind := pictureKind(data)
	decode, ok := decoders[kind]
	if !ok {
		return Picture{}, notAPicture(data)
	}
	config, err := decode.config(bytes.NewReader(data))
	if err != nil {
		return Picture{}, fmt.Errorf("is damaged: %w", err)
	}
	if err := checkSize(config); err != nil {
		return Picture{}, err
	}
	src, err := decode.picture(bytes.NewReader(data))
	if err != nil {
		return Picture{}, fmt.Errorf("is damaged: %w", err)
	}
	if shown <= 0 {
		shown = usualWidth
	}
	upright := orient(shrink(src, orientation(kind, data), shown*dense))
	if w, h := upright.Bounds().Dx(), upright.Bounds().Dy(); w < minSide || h < minSide {
		return Picture{}, fmt.Errorf("is only %d × %d pixels where it is shown", w, h)
	}
	if !opaque(upright) {
		if upright, err = grounded(upright); err != nil {
			return Picture{}, err
		}
	}
	return encode(upright, kind != "jpeg")
}

type decoder struct {
	config  func(io.Reader) (image.Config, error)
	picture func(io.Reader) (image.Image, error)
}

// Called by name and not by image.Decode, which knows every format that some
// package of the program registers.
var decoders = map[string]decoder{
	"jpeg": {jpeg.DecodeConfig, jpeg.Decode},
	"png":  {png.DecodeConfig, png.Decode},
	"gif":  {gif.DecodeConfig, gif.Decode}, // the first frame
	"webp": {webp.DecodeConfig, webp.Decode},
}

func pictureKind(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return "jpeg"
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return "png"
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		return "gif"
	case len(b) > 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return "webp"
	}
	return ""
}

func notAPicture(b []byte) error {
	head := strings.ToLower(string(b[:min(len(b), 1024)]))
	switch {
	case len(b) == 0:
		return errors.New("is empty")
	case strings.Contains(head, "<svg"):
		return errors.New("is SVG, which mail programs don't show; JPEG, PNG, GIF and WebP are read")
	case strings.Contains(head, "<html"), strings.Contains(head, "<!doctype"):
		return errors.New("is a web page, not a picture")
	case len(b) > 12 && string(b[4:8]) == "ftyp":
		return errors.New("is HEIC or AVIF, which is not read; JPEG, PNG, GIF and WebP are")
	}
	return errors.New("is not a JPEG, PNG, GIF or WebP picture")
}

// checkSize refuses pictures before their pixels are unpacked.
func checkSize(c image.Config) error {
	limit := maxPixels
	switch c.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model, color.Gray16Model:
		limit /= 2
	}
	if c.Width < minSide || c.Height < minSide {
		return fmt.Errorf("is only %d × %d pixels", c.Width, c.Height)
	}
	if c.Width > limit/c.Height {
		return fmt.Errorf("has %d × %d pixels; at most %d million are read", c.Width, c.Height, limit/1_000_000)
	}
	return nil
}

// turned is a picture and the EXIF orientation that it still has.
type turned struct {
	image.Image
	orientation int
}

// shrink scales a picture down to its largest size as it will be seen upright.
func shrink(src image.Image, orientation, maxWidth int) turned {
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	mw, mh := maxWidth, maxHeight
	if orientation >= 5 { // lies on its side
		mw, mh = mh, mw
	}
	nw, nh := w, h
	if nw > mw {
		nw, nh = mw, max(1, h*mw/w)
	}
	if nh > mh {
		nw, nh = max(1, nw*mh/nh), mh
	}
	if nw == w && nh == h {
		return turned{src, orientation}
	}
	dst := image.NewRGBA(image.Rect(0, 0, nw, nh))
	draw.CatmullRom.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Src, nil)
	return turned{dst, orientation}
}

// encode writes an opaque picture without any metadata.
func encode(img image.Image, mayBeDrawing bool) (Picture, error) {
	p := Picture{Type: "image/jpeg", Width: img.Bounds().Dx(), Height: img.Bounds().Dy()}
	ext := ".jpg"
	var drawing bytes.Buffer
	if mayBeDrawing {
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&drawing, paletted(img)); err != nil {
			return Picture{}, fmt.Errorf("encoding: %w", err)
		}
	}
	for _, quality := range jpegQualities {
		var photo bytes.Buffer
		if err := jpeg.Encode(&photo, img, &jpeg.Options{Quality: quality}); err != nil {
			return Picture{}, fmt.Errorf("encoding: %w", err)
		}
		p.Data = photo.Bytes()
		if drawing.Len() > 0 && drawing.Len() <= photo.Len() {
			p.Type, p.Data, ext = "image/png", drawing.Bytes(), ".png"
			break
		}
		if len(p.Data) <= lightPicture {
			break
		}
	}
	sum := sha256.Sum256(p.Data)
	p.Name = hex.EncodeToString(sum[:16]) + ext
	return p, nil
}

// The grounds of what is transparent: white, and for what is drawn in light
// colours, which would vanish on it, nearly black.
var (
	lightGround = color.RGBA{0xff, 0xff, 0xff, 0xff}
	darkGround  = color.RGBA{0x22, 0x22, 0x22, 0xff}
)

// paleFrom is how light a drawing is on average, of 255, to stand on the dark
// ground.
const paleFrom = 208

// grounded lays a transparent picture on a ground of its own. What shines
// through would be white in one mail program and nearly black in the next, and
// black lines on black are a hole.
func grounded(img image.Image) (image.Image, error) {
	b := img.Bounds()
	flat := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(flat, flat.Rect, img, b.Min, draw.Src)
	var light, seen uint64 // premultiplied by what is seen
	for i := 0; i < len(flat.Pix); i += 4 {
		p := flat.Pix[i : i+4 : i+4]
		light += (299*uint64(p[0]) + 587*uint64(p[1]) + 114*uint64(p[2])) / 1000 // ITU-R BT.601
		seen += uint64(p[3])
	}
	if seen == 0 {
		return nil, errors.New("is transparent all over")
	}
	ground := lightGround
	if light*255/seen >= paleFrom {
		ground = darkGround
	}
	out := image.NewRGBA(flat.Rect)
	draw.Draw(out, out.Rect, image.NewUniform(ground), image.Point{}, draw.Src)
	draw.Draw(out, out.Rect, flat, image.Point{}, draw.Over)
	return out, nil
}

func opaque(img image.Image) bool {
	if o, ok := img.(interface{ Opaque() bool }); ok {
		return o.Opaque()
	}
	return false
}

// paletted gives a picture of at most 256 colours a palette, which makes its
// PNG a fraction of the size.
func paletted(img image.Image) image.Image {
	if _, ok := img.(*image.Paletted); ok {
		return img
	}
	b := img.Bounds()
	index := map[color.NRGBA]uint8{}
	var palette color.Palette
	out := image.NewPaletted(b, nil)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			i, ok := index[c]
			if !ok {
				if len(palette) == 256 {
					return img
				}
				i = uint8(len(palette))
				index[c], palette = i, append(palette, c)
			}
			out.Pix[out.PixOffset(x, y)] = i
		}
	}
	out.Palette = palette
	return out
}
