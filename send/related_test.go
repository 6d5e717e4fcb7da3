package send_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jhillyerd/enmime/v2"

	"lede/compose"
	"lede/send"
)

const (
	pierPicture = "0123456789abcdef0123456789abcdef.jpg"
	boatPicture = "fedcba9876543210fedcba9876543210.png"
)

// picturedLetter shows two pictures of ours and one of somebody else, and links
// to one of ours.
func picturedLetter() compose.Letter {
	l := testLetter()
	const at = `https://news.port-averne.example/p/`
	l.HTML = strings.Replace(l.HTML, "<body>", `<body><img src="`+at+pierPicture+`" alt="The pier" width="536"><img alt="" src="`+at+boatPicture+`">`+
		`<img src="https://else.example/p/`+pierPicture+`" alt="x"><a href="`+at+pierPicture+`">large</a><img src="`+at+pierPicture+`" alt="again">`, 1)
	return l
}

func carrying(pictures ...send.Picture) send.Sender {
	s := testSender()
	s.Pictures = pictures
	return s
}

func pictured() []send.Picture {
	noise := make([]byte, 5000)
	for i := range noise {
		noise[i] = byte(i*i ^ i>>3)
	}
	return []send.Picture{{Name: pierPicture, Type: "image/jpeg", Data: noise}, {Name: boatPicture, Type: "image/png", Data: []byte("\x89PNG\r\n.\r\n")}}
}

// relatedParts is a mail's structure as the standard library reads it.
func relatedParts(t *testing.T, raw []byte) (kinds []string, html string, data map[string][]byte) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	data = map[string][]byte{}
	var walk func(contentType string, body io.Reader)
	walk = func(contentType string, body io.Reader) {
		kind, params, err := mime.ParseMediaType(contentType)
		if err != nil {
			t.Fatal(err)
		}
		if kind == "multipart/related" && params["type"] != "text/html" {
			t.Errorf("multipart/related says its root is %q (RFC 2387, 3.1)", params["type"])
		}
		kinds = append(kinds, kind)
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextPart() // undoes quoted-printable
			if err == io.EOF {
				kinds = append(kinds, "/"+kind)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			switch of := p.Header.Get("Content-Type"); {
			case strings.HasPrefix(of, "multipart/"):
				walk(of, p)
			default:
				var from io.Reader = p
				if p.Header.Get("Content-Transfer-Encoding") == "base64" {
					from = base64.NewDecoder(base64.StdEncoding, p)
				}
				content, err := io.ReadAll(from)
				if err != nil {
					t.Fatal(err)
				}
				kinds = append(kinds, strings.TrimSuffix(of, "; charset=utf-8"))
				if strings.HasPrefix(of, "text/html") {
					html = string(content)
				}
				if id := p.Header.Get("Content-ID"); id != "" {
					data[id] = content
					if d, params, err := mime.ParseMediaType(p.Header.Get("Content-Disposition")); err != nil || d != "inline" || "<"+params["filename"]+"@port-averne.example>" != id {
						t.Errorf("Content-Disposition %q of %s", p.Header.Get("Content-Disposition"), id)
					}
				}
			}
		}
	}
	walk(m.Header.Get("Content-Type"), m.Body)
	return kinds, html, data
}

// A letter that carries its pictures is the text part beside the HTML with
// them, for three readers of MIME; what else it says is the same.
func TestPicturesWithinTheMail(t *testing.T) {
	pictures := pictured()
	m := compile(t, picturedLetter(), carrying(pictures...))
	to := delivery("Ines", "ines@quay.example")
	raw, err := m.Append(nil, to, editionDate)
	if err != nil {
		t.Fatal(err)
	}
	checkWire(t, raw)
	kinds, html, data := relatedParts(t, raw)
	want := []string{"multipart/alternative", "text/plain", "multipart/related", "text/html", "image/jpeg", "image/png", "/multipart/related", "/multipart/alternative"}
	if !slices.Equal(kinds, want) {
		t.Errorf("the parts are %v", kinds)
	}
	linked := m.HTML(to, false)
	for _, src := range []string{`<img src="cid:` + pierPicture + `@port-averne.example" alt="The pier" width="536">`, `<img alt="" src="cid:` + boatPicture + `@`, `<img src="https://else.example/p/`, `href="https://news.port-averne.example/p/` + pierPicture, `src="cid:` + pierPicture + `@port-averne.example" alt="again"`} {
		if !strings.Contains(html, src) {
			t.Errorf("the HTML lacks %s:\n%.900s", src, html)
		}
	}
	if strings.Contains(linked, "cid:") || !strings.Contains(linked, `src="https://news.port-averne.example/p/`+pierPicture) {
		t.Error("a page is shown what only a mail has")
	}

	envelope, err := enmime.ReadEnvelope(bytes.NewReader(raw))
	if err != nil || len(envelope.Errors) > 0 || len(envelope.Attachments) > 0 || len(envelope.OtherParts) > 0 || len(envelope.Inlines) != 2 || !strings.Contains(envelope.HTML, "cid:"+pierPicture) {
		t.Fatalf("enmime: %v %v, %d inline, %d attached, %d else", err, envelope.Errors, len(envelope.Inlines), len(envelope.Attachments), len(envelope.OtherParts))
	}
	for i, p := range pictures {
		id := p.Name + "@port-averne.example"
		if !bytes.Equal(data["<"+id+">"], p.Data) || envelope.Inlines[i].ContentID != id || !bytes.Equal(envelope.Inlines[i].Content, p.Data) {
			t.Errorf("%s: another picture comes out", p.Name)
		}
	}
	var elsewhere struct {
		Types, Defects []string
		Pictures       [][3]string // Content-ID, disposition, base64
	}
	said := python(t, "mail_related.py", "email", bytes.NewReader(appendFramed(nil, raw)))
	if err := json.Unmarshal([]byte(said[0]), &elsewhere); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"multipart/alternative", "text/plain", "multipart/related", "text/html", "image/jpeg", "image/png"}, elsewhere.Types); diff != "" || len(elsewhere.Defects) > 0 || len(elsewhere.Pictures) != 2 {
		t.Errorf("Python: %s %v", diff, elsewhere)
	}
	for i, p := range pictures {
		if got := elsewhere.Pictures[i]; got != [3]string{"<" + p.Name + "@port-averne.example>", "inline", base64.StdEncoding.EncodeToString(p.Data)} {
			t.Errorf("Python: %v", got)
		}
	}
	again, err := compile(t, picturedLetter(), carrying(pictures...)).Append(nil, to, editionDate)
	if err != nil || !bytes.Equal(again, raw) {
		t.Errorf("another attempt is another mail: %v", err)
	}
}

// What can't go within a mail stays a link: a picture never leaves a hole.
func TestPicturesThatStayLinks(t *testing.T) {
	good := pictured()[0]
	for name, p := range map[string]send.Picture{
		"not shown":          {Name: strings.Repeat("0", 32) + ".jpg", Type: "image/jpeg", Data: []byte("x")},
		"empty":              {Name: good.Name, Type: good.Type},
		"no picture":         {Name: good.Name, Type: "text/html", Data: good.Data},
		"a name with a line": {Name: "a\r\nBcc: x@y.example", Type: good.Type, Data: good.Data},
		"a name with a path": {Name: "../" + good.Name, Type: good.Type, Data: good.Data},
	} {
		raw, err := compile(t, picturedLetter(), carrying(p)).Append(nil, delivery("", "ines@quay.example"), editionDate)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := compile(t, picturedLetter(), testSender()).Append(nil, delivery("", "ines@quay.example"), editionDate)
		if err != nil || !bytes.Equal(raw, plain) {
			t.Errorf("%s: the mail is not the one with links", name)
		}
	}
	if got := send.PicturesOf(picturedLetter(), testSender().BaseURL); !slices.Equal(got, []string{pierPicture, boatPicture}) {
		t.Errorf("the letter shows %v", got)
	}
}

// A signature covers the pictures, and a verifier that is not ours says so.
func TestPicturesAreSigned(t *testing.T) {
	s := carrying(pictured()...)
	s.DKIM = signedSender().DKIM
	raw, err := compile(t, picturedLetter(), s).Append(nil, delivery("Ines", "ines@quay.example"), editionDate)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(raw, []byte("Content-Type: image/png"))
	changed := slices.Concat(raw[:at], bytes.Replace(raw[at:], []byte("iVBO"), []byte("jVBO"), 1))
	if verdicts := verifyElsewhere(t, [][]byte{raw, changed}); verdicts[0] != "ok" || !strings.Contains(verdicts[1], "body hash mismatch") {
		t.Errorf("%q", verdicts)
	}
}
