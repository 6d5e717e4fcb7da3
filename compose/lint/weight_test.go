package lint_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"lede/compose"
	"lede/compose/lint"
)

// What a mail weighs is judged with the pictures that go within it, before it
// is sent and in a file.
func TestMailSize(t *testing.T) {
	const address = "https://news.example.org/p/0123456789abcdef0123456789abcdef.jpg"
	letter := compose.Letter{Subject: "Ferry back", Text: "Ferry back.", HTML: `<img src="` + address + `" alt="The ferry" width="536">`}
	of := func(carried bool, bytes int64) []lint.Finding {
		return lint.Check(compose.Recipe{}, compose.Edition{}, letter, lint.Facts{Carried: carried, Pictures: map[string]int64{address: bytes}})
	}
	for _, test := range []struct {
		name     string
		findings []lint.Finding
		want     []string // severity and rule of those about weight
	}{
		{"linked", of(false, 190<<10), nil},
		{"linked, heavy", of(false, 300<<10), []string{"warning image-heavy"}},
		{"carried", of(true, 190<<10), nil},
		{"carried, heavy", of(true, 300<<10), []string{"warning mail-size", "warning image-heavy"}},
		{"carried, too heavy for many servers", of(true, 8<<20), []string{"error mail-size", "warning image-heavy", "warning image-heavy"}},
	} {
		var got []string
		for _, f := range test.findings {
			if f.Rule == "mail-size" || f.Rule == "image-heavy" {
				got = append(got, f.Severity+" "+f.Rule)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	missing := lint.Check(compose.Recipe{}, compose.Edition{}, letter, lint.Facts{NoPicture: "picture pier.jpg: is a web page, not a picture"})
	if !slices.ContainsFunc(missing, func(f lint.Finding) bool {
		return f.Rule == "picture-missing" && f.Severity == lint.Warning && strings.Contains(f.Message, "is a web page")
	}) {
		t.Error("a picture that was left out is not said")
	}
	eml := "Subject: x\r\nContent-Type: text/plain\r\n\r\n" + string(bytes.Repeat([]byte("A line of a long mail.\r\n"), 15_000))
	mail, err := lint.Read("long.eml", []byte(eml))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(lint.CheckMail(mail, lint.Facts{}), func(f lint.Finding) bool {
		return f.Rule == "mail-size" && strings.Contains(f.Message, "351 kB")
	}) {
		t.Error("a mail of 351 kB is not said to be heavy")
	}
}
