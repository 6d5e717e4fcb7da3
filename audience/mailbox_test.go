package audience

import "testing"

func TestMailbox(t *testing.T) {
	for key, want := range map[string]string{
		"ines@northpost.example":           "ines@northpost.example",
		"ines+press@northpost.example":     "ines@northpost.example",
		"ines+a+b@northpost.example":       "ines@northpost.example",
		"+ines@northpost.example":          "+ines@northpost.example",
		"in.es@northpost.example":          "in.es@northpost.example",
		"i.n.e.s+letters@gmail.com":        "ines@gmail.com",
		"in.es@googlemail.com":             "ines@gmail.com",
		"ines@xn--hfn-0na.example":         "ines@xn--hfn-0na.example",
		"ines-news+x@northpost.example":    "ines-news@northpost.example",
		"not an address, and no key of us": "not an address, and no key of us",
	} {
		if got := Mailbox(key); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}
