package lint

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/image/colornames"
)

// colour is an sRGB colour with its opacity, each from 0 to 1.
type colour struct{ r, g, b, a float64 }

var (
	white = colour{1, 1, 1, 1}
	black = colour{0, 0, 0, 1}
)

func (c colour) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(math.Round(c.r*255)), int(math.Round(c.g*255)), int(math.Round(c.b*255)))
}

// readColour reads a CSS colour: hexadecimal, named, rgb(), rgba(), hsl(),
// hsla(), transparent. Others are not known.
func readColour(text string) (colour, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if hex, ok := strings.CutPrefix(text, "#"); ok {
		return readHex(hex)
	}
	if text == "transparent" {
		return colour{}, true
	}
	if named, ok := colornames.Map[text]; ok {
		return colour{float64(named.R) / 255, float64(named.G) / 255, float64(named.B) / 255, 1}, true
	}
	name, rest, ok := strings.Cut(text, "(")
	rest, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed {
		return colour{}, false
	}
	parts := strings.FieldsFunc(rest, func(r rune) bool { return r == ',' || r == '/' || r == ' ' })
	if len(parts) != 3 && len(parts) != 4 {
		return colour{}, false
	}
	var v [4]float64
	v[3] = 1
	for i, part := range parts {
		percent := strings.HasSuffix(part, "%")
		n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSuffix(part, "%"), "deg"), 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return colour{}, false
		}
		switch {
		case percent:
			n /= 100
		case i < 3 && strings.HasPrefix(name, "rgb"):
			n /= 255
		}
		v[i] = n
	}
	alpha := unit(v[3])
	switch name {
	case "rgb", "rgba":
		return colour{unit(v[0]), unit(v[1]), unit(v[2]), alpha}, true
	case "hsl", "hsla":
		c := fromHSL(v[0], unit(v[1]), unit(v[2]))
		c.a = alpha
		return c, true
	}
	return colour{}, false
}

func readHex(hex string) (colour, bool) {
	if len(hex) == 3 || len(hex) == 4 {
		var b strings.Builder
		for _, c := range []byte(hex) {
			b.Write([]byte{c, c})
		}
		hex = b.String()
	}
	if len(hex) == 6 {
		hex += "ff"
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	if len(hex) != 8 || err != nil {
		return colour{}, false
	}
	part := func(shift int) float64 { return float64(n>>shift&0xff) / 255 }
	return colour{part(24), part(16), part(8), part(0)}, true
}

func unit(x float64) float64 { return min(1, max(0, x)) }

// fromHSL is CSS Color 4's conversion; h in degrees.
func fromHSL(h, s, l float64) colour {
	h = math.Mod(math.Mod(h, 360)+360, 360)
	part := func(n float64) float64 {
		k := math.Mod(n+h/30, 12)
		return l - s*min(l, 1-l)*max(-1, min(k-3, 9-k, 1))
	}
	return colour{part(0), part(8), part(4), 1}
}

// over lays a colour over an opaque one.
func (c colour) over(ground colour) colour {
	mix := func(top, under float64) float64 { return top*c.a + under*(1-c.a) }
	return colour{mix(c.r, ground.r), mix(c.g, ground.g), mix(c.b, ground.b), 1}
}

func linear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// luminance is WCAG's relative luminance.
func (c colour) luminance() float64 {
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

// contrast is WCAG's contrast ratio of two opaque colours, from 1 to 21.
func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// inverted turns a colour's lightness around (CIELAB's L, D65) and keeps its hue,
// as mail programs do that make a dark letter of a light one by themselves.
func (c colour) inverted() colour {
	const xn, zn = 0.95047, 1.08883
	r, g, b := linear(c.r), linear(c.g), linear(c.b)
	fx := labRoot((0.4124564*r + 0.3575761*g + 0.1804375*b) / xn)
	fy := labRoot(0.2126729*r + 0.7151522*g + 0.0721750*b)
	fz := labRoot((0.0193339*r + 0.1191920*g + 0.9503041*b) / zn)
	turned := (100 - (116*fy - 16) + 16) / 116
	x, y, z := xn*labPower(turned+fx-fy), labPower(turned), zn*labPower(turned+fz-fy)
	return colour{
		gamma(3.2404542*x - 1.5371385*y - 0.4985314*z),
		gamma(-0.9692660*x + 1.8760108*y + 0.0415560*z),
		gamma(0.0556434*x - 0.2040259*y + 1.0572252*z),
		c.a,
	}
}

func labRoot(t float64) float64 {
	if t > 216.0/24389 {
		return math.Cbrt(t)
	}
	return (24389.0/27*t + 16) / 116
}

func labPower(t float64) float64 {
	if t > 6.0/29 {
		return t * t * t
	}
	return (116*t - 16) * 27 / 24389
}

func gamma(v float64) float64 {
	if v = unit(v); v <= 0.0031308 {
		return 12.92 * v
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

// light says whether a colour is nearer to white than to black for the eye.
func (c colour) light() bool { return c.luminance() > 0.18 }
