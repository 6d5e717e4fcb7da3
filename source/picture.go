package source

// Picture is a picture made safe: decoded and encoded again, its orientation
// applied, without any metadata.
type Picture struct {
	Name   string // SHA-256 of Data, 32 hexadecimal digits, and .jpg or .png
	Type   string // image/jpeg or image/png
	Width  int    // pixels
	Height int
	Data   []byte
}
