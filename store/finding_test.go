package store_test

import (
	"strings"
	"testing"

	"lede/audience"
)

func TestFind(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		for _, p := range []struct{ address, name string }{
			{"Odile@northpost.example", "Odile Brandt"}, {"ada@skerrow.example", "Ada 100% Wren"}, {"ada_b@skerrow.example", ""}, {"adaxb@skerrow.example", "李小龙"},
		} {
			key := strings.ToLower(p.address)
			subscribe(t, s, "harbour", audience.Row{Address: p.address, Key: key, Domain: "x.example", Name: p.name})
		}
		for text, want := range map[string]string{
			"ODILE":    "Odile@northpost.example",
			"brandt":   "Odile@northpost.example",
			"skerrow":  "ada@skerrow.example ada_b@skerrow.example",
			"a_b":      "ada_b@skerrow.example",
			"100%":     "ada@skerrow.example",
			"%":        "ada@skerrow.example",
			"小":        "adaxb@skerrow.example",
			`\`:        "",
			"' OR 1=1": "",
			"nobody":   "",
		} {
			found, err := s.Find(ctx(), text, 2)
			must(t, err)
			var got []string
			for _, p := range found {
				got = append(got, p.Address)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%q found %v, want %s", text, got, want)
			}
		}
	})
}
