package source

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	maxFeedBytes  = 10 << 20
	maxFeedDepth  = 200
	maxFeedTokens = 1_000_000
)

// An entity that stands for other entities or for a file is no feed's business.
// Plain ones (&nbsp; in old feeds) are passed over: HTML's names are known.
var entityDecl = regexp.MustCompile(`(?is)<!ENTITY\s+([^\s%]\S*)\s+(?:(SYSTEM|PUBLIC)\b|"([^"]*)"|'([^']*)')`)

// checkXML looks through an XML document before a parser recurses into it, and
// returns it from its root element on, so that neither an encoding that no
// longer holds nor a document type comes along.
func checkXML(body []byte) ([]byte, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	d.Strict = false
	// The bytes are UTF-8 already, whatever they say.
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	depth, root := 0, int64(-1)
	for n := 0; ; n++ {
		at := d.InputOffset()
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, brokenXML(err)
		}
		if n > maxFeedTokens {
			return nil, errors.New("has too many elements")
		}
		switch t := token.(type) {
		case xml.StartElement:
			if root < 0 {
				root = at
			}
			if depth++; depth > maxFeedDepth {
				return nil, fmt.Errorf("is nested deeper than %d elements", maxFeedDepth)
			}
		case xml.EndElement:
			depth--
		case xml.Directive:
			if err := checkDirective(t); err != nil {
				return nil, err
			}
		}
	}
	if root < 0 {
		return nil, errors.New("is empty")
	}
	return body[root:], nil
}

func checkDirective(d []byte) error {
	for _, m := range entityDecl.FindAllSubmatch(d, -1) {
		if len(m[2]) > 0 {
			return fmt.Errorf("its entity %q names a file; such feeds are not read", m[1])
		}
		if v := string(m[3]) + string(m[4]); strings.Contains(v, "&") && !strings.HasPrefix(v, "&#") {
			return fmt.Errorf("its entity %q stands for other entities; such feeds are not read", m[1])
		}
	}
	return nil
}

func brokenXML(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("is not valid XML at line %d: %s", syntax.Line, syntax.Msg)
	}
	return fmt.Errorf("is not valid XML: %w", err)
}

// legalXML drops the characters that XML 1.0 does not allow; one of them would
// make the whole feed unreadable.
func legalXML(body []byte) []byte {
	return bytes.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r':
			return r
		case r < ' ', r == '\ufffe', r == '\uffff', r == utf8.RuneError:
			return -1
		}
		return r
	}, body)
}
