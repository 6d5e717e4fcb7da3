package compose_test

import (
	"strings"
	"testing"

	"lede/compose"
)

func TestExpand(t *testing.T) {
	values := map[string]string{"lead": "Nine nights", "newsletter": "The {name} Letter", "date": "", "number": "212"}
	fields := func(name, fallback string) string { return "<" + name + ":" + fallback + ">" }
	for _, test := range []struct{ text, want, err string }{
		{text: "", want: ""},
		{text: "plain", want: "plain"},
		{text: "{lead}", want: "Nine nights"},
		{text: "{ lead }", want: "Nine nights"},
		{text: "{lead|fallback}", want: "Nine nights"},
		{text: "{date}", want: ""},
		{text: "{date|today}", want: "today"},
		{text: "{newsletter}: {lead}", want: "The {name} Letter: Nine nights"},
		{text: "Dear {name|reader}", want: "Dear <name:reader>"},
		{text: "Dear {name}", want: "Dear <name:>"},
		{text: "Dear {name| dear reader }", want: "Dear <name:dear reader>"},
		{text: "Dear {name|a|b}", want: "Dear <name:a|b>"},
		{text: "{{name}", want: "{name}"},
		{text: "{{{name}", want: "{<name:>"},
		{text: "a } b", want: "a } b"},
		{text: "{{", want: "{"},
		{text: "日{lead}本", want: "日Nine nights本"},
		{text: "{", err: "not closed"},
		{text: "{name", err: "not closed"},
		{text: "{}", err: "unknown word"},
		{text: "{laed}", err: "did you mean {lead}?"},
		{text: "{Name}", err: "did you mean {name}?"},
		{text: "{subscriber_identification}", err: "there is {date}, {lead}, {name}, {newsletter}, {number}"},
		{text: "{.}", err: "unknown word"},
		{text: "{" + strings.Repeat("x", 9000) + "}", err: "xxx…}: unknown word"},
	} {
		got, err := compose.Expand(test.text, values, fields)
		switch {
		case test.err == "" && (err != nil || got != test.want):
			t.Errorf("%q: got %q, %v; want %q", test.text, got, err, test.want)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%q: got %q, %v; want an error with %q", test.text, got, err, test.err)
		}
	}
	if _, err := compose.Expand("{name}", nil, nil); err == nil || !strings.Contains(err.Error(), "nothing can be filled in here") {
		t.Errorf("without fields: %v", err)
	}
}

// FuzzExpand: a text without braces stays as it is; what is given comes out
// whole or as an error; nothing in a value is expanded again.
func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"Dear {name|reader}, {lead}", "{{{lead}}", "{", "}{", "{|}", "{lead|{name}}"} {
		f.Add(seed, "{name}")
	}
	f.Fuzz(func(t *testing.T, text, lead string) {
		got, err := compose.Expand(text, map[string]string{"lead": lead}, func(_, _ string) string { return "\x01" })
		if !strings.Contains(text, "{") && (err != nil || got != text) {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
		escaped, err := compose.Expand(strings.ReplaceAll(text, "{", "{{"), nil, nil)
		if err != nil || escaped != text {
			t.Errorf("%q with its braces doubled: got %q, %v", text, escaped, err)
		}
	})
}
