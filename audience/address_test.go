package audience

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestParseAddress(t *testing.T) {
	tests := []struct{ name, in, address, key, domain string }{
		{"plain", "ines@news.example", "ines@news.example", "ines@news.example", "news.example"},
		{"case", "Ines.Okafor@NEWS.Example", "Ines.Okafor@news.example", "ines.okafor@news.example", "news.example"},
		{"blanks around", " \t ines@news.example\r\n", "ines@news.example", "ines@news.example", "news.example"},
		{"brackets", "<ines@news.example>", "ines@news.example", "ines@news.example", "news.example"},
		{"mailto", "MailTo:ines@news.example", "ines@news.example", "ines@news.example", "news.example"},
		{"mailto in brackets", "<mailto:ines@news.example>", "ines@news.example", "ines@news.example", "news.example"},
		{"tag", "ines+quay@news.example", "ines+quay@news.example", "ines+quay@news.example", "news.example"},
		{"odd but allowed", "o'brien=a&b/c@news.example", "o'brien=a&b/c@news.example", "o'brien=a&b/c@news.example", "news.example"},
		{"IDN", "ines@BÜCHER.example", "ines@bücher.example", "ines@xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"IDN encoded", "ines@XN--bcher-kva.example", "ines@bücher.example", "ines@xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"IDN decomposed", "ines@bu\u0308cher.example", "ines@bücher.example", "ines@xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"sharp s is a letter of its own", "ines@straße.example", "ines@straße.example", "ines@xn--strae-oqa.example", "xn--strae-oqa.example"},
		{"SMTPUTF8", "ZOË@news.example", "ZOË@news.example", "zoë@news.example", "news.example"},
		{"SMTPUTF8 decomposed", "Zoe\u0308@news.example", "Zoe\u0308@news.example", "zoë@news.example", "news.example"},
		{"final sigma", "ΟΔΟΣ@news.example", "ΟΔΟΣ@news.example", "οδοσ@news.example", "news.example"},
		{"final sigma written", "οδος@news.example", "οδος@news.example", "οδοσ@news.example", "news.example"},
		{"dotted I is not i", "İnes@news.example", "İnes@news.example", "İnes@news.example", "news.example"},
		{"two hyphens", "a@r3--sn.example", "a@r3--sn.example", "a@r3--sn.example", "r3--sn.example"},
		{"longest local part", strings.Repeat("a", 64) + "@news.example", strings.Repeat("a", 64) + "@news.example", strings.Repeat("a", 64) + "@news.example", "news.example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address, key, domain, err := ParseAddress(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if address != tt.address || key != tt.key || domain != tt.domain {
				t.Errorf("got %q %q %q, want %q %q %q", address, key, domain, tt.address, tt.key, tt.domain)
			}
		})
	}
}

func TestParseAddressRefuses(t *testing.T) {
	long := strings.Repeat("a", 60)
	tests := []struct{ name, in, reason string }{
		{"nothing", "  ", "is empty"},
		{"no at", "ines.news.example", "no @"},
		{"two at", "ines@quay@news.example", "more than one @"},
		{"no local part", "@news.example", "nothing before"},
		{"no domain", "ines@", "no domain"},
		{"a name before", "Ines <ines@news.example>", "blank"},
		{"bracket", "ines>NOTIFY@news.example", "angle brackets"},
		{"quoted", `"ines"@news.example`, "quoted"},
		{"quoted at", `"a@evil.example"@news.example`, "quoted"},
		{"comment", "ines(quay)@news.example", "comment"},
		{"blank inside", "ines okafor@news.example", "blank"},
		{"blank in the domain", "ines@news .example", "blank"},
		{"no-break space", "ines\u00a0o@news.example", "blank"},
		{"line break", "ines@news.example\r\nBcc: all@news.example", "control"},
		{"null", "ines\x00@news.example", "control"},
		{"C1", "ines\u0085x@news.example", "control"},
		{"line separator", "ines\u2028x@news.example", "blank"},
		{"zero-width", "in\u200bes@news.example", "invisible"},
		{"joiner in the domain", "ines@ne\u200dws.example", "invisible"},
		{"right to left", "ines\u202e@news.example", "invisible"},
		{"soft hyphen", "ines@ne\u00adws.example", "invisible"},
		{"variation selector", "ines\ufe0f@news.example", "invisible"},
		{"Hangul filler", "ines\u3164@news.example", "invisible"},
		{"wide letters", "ｉnes@news.example", "look-alike"},
		{"sign", "ines🌊@news.example", "before the @"},
		{"list", "ines@news.example, ona@news.example", "blank"},
		{"list without blanks", "ines@news.example,ona@news.example", "more than one"},
		{"colon", "in:es@news.example", "before the @"},
		{"leading dot", ".ines@news.example", "dot at an end"},
		{"trailing dot", "ines.@news.example", "dot at an end"},
		{"two dots", "ines..o@news.example", "two dots"},
		{"domain's trailing dot", "ines@news.example.", "dot at an end of its domain"},
		{"domain's leading dot", "ines@.example", "dot at an end of its domain"},
		{"domain's two dots", "ines@news..example", "two dots"},
		{"one label", "ines@localhost", "without a dot"},
		{"literal", "ines@[192.0.2.1]", "literal"},
		{"IPv6 literal", "ines@[IPv6:2001:db8::1]", "literal"},
		{"IP address", "ines@192.0.2.1", "IP address"},
		{"underscore", "ines@ne_ws.example", "in its domain"},
		{"query", "ines@news.example?subject=x", "in its domain"},
		{"hyphen", "ines@-news.example", "hyphen"},
		{"bad punycode", "ines@xn--zzzzzzz--.example", "international"},
		{"mixed direction", "ines@aא.example", "international"},
		{"broken UTF-8", "in\xffes@news.example", "UTF-8"},
		{"long local part", strings.Repeat("a", 65) + "@news.example", "64 bytes"},
		{"long label", "ines@" + strings.Repeat("a", 64) + ".example", "63 bytes"},
		{"long", "ines@" + long + "." + long + "." + long + "." + long + "." + long + ".example", "254 bytes"},
		{"long when encoded", "ines@" + strings.Repeat("ü", 60) + ".example", "63 bytes"},
		{"huge", strings.Repeat("(", 1<<20) + "@news.example", "254 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address, _, _, err := ParseAddress(tt.in)
			if err == nil {
				t.Fatalf("accepted as %q", address)
			}
			if !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("got %q, want a reason with %q", err, tt.reason)
			}
		})
	}
}

// All letters that differ only in case fold to one of them.
func TestFoldRune(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		folded := foldRune(r)
		if foldRune(folded) != folded || foldRune(unicode.SimpleFold(r)) != folded {
			t.Errorf("%q folds to %q, %q to %q", r, folded, unicode.SimpleFold(r), foldRune(unicode.SimpleFold(r)))
		}
	}
}

// What is accepted is fit for a header and an SMTP command, and parsing it
// again changes nothing: else one person could become two.
func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{
		"ines@news.example", "<mailto:Ines@BÜCHER.example>", "ΟΔΟΣ@news.example", "a@xn--bcher-kva.example",
		"İ@news.example", "ines@faß.example", `"a b"@x.example`, "a@b\u3002example", "a@\u212aelvin.example",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		address, key, domain, err := ParseAddress(s)
		if err != nil {
			if address != "" || key != "" || domain != "" {
				t.Errorf("%q: an error and %q %q %q", s, address, key, domain)
			}
			return
		}
		for _, got := range []string{address, key, domain} {
			if !utf8.ValidString(got) || len(got) > maxAddress {
				t.Errorf("%q: got %q", s, got)
			}
			if strings.ContainsAny(got, " <>\"(),;:\\\r\n\x00\u200b\u202e") {
				t.Errorf("%q: %q has what no address may have", s, got)
			}
		}
		if strings.Count(address, "@") != 1 || !isASCII(domain) || !strings.HasSuffix(key, "@"+domain) {
			t.Errorf("%q: got %q %q %q", s, address, key, domain)
		}
		for _, again := range []string{address, key, " <" + address + "> ", strings.ToUpper(domain)} {
			if again == strings.ToUpper(domain) {
				again = address[:strings.IndexByte(address, '@')+1] + again
			}
			_, key2, domain2, err := ParseAddress(again)
			if err != nil || key2 != key || domain2 != domain {
				t.Errorf("%q: %q becomes %q %q, %v; want %q %q", s, again, key2, domain2, err, key, domain)
			}
		}
		if address2, _, _, _ := ParseAddress(address); address2 != address {
			t.Errorf("%q: %q becomes %q", s, address, address2)
		}
	})
}

func BenchmarkParseAddress(b *testing.B) {
	for b.Loop() {
		if _, _, _, err := ParseAddress("Ines.Okafor@news.example"); err != nil {
			b.Fatal(err)
		}
	}
}
