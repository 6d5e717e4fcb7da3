package templates

import "testing"

func TestLongWord(t *testing.T) {
	for name, test := range map[string]struct {
		letter Letter
		want   bool
	}{
		"plain words":              {Letter{Lead: &Lead{Title: "Ferry to Skerrow sails again"}}, false},
		"a headline's long word":   {Letter{Lead: &Lead{Title: "Donaudampfschifffahrt ruht"}}, true},
		"the same word in text":    {Letter{Greeting: "Die Donaudampfschifffahrt ruht."}, false},
		"a very long word in text": {Letter{Greeting: "Rindfleischetikettierungsüberwachung"}, true},
		"with a hyphen":            {Letter{Greeting: "Donaudampfschifffahrts-Gesellschaft"}, false},
		"Chinese, without spaces":  {Letter{Lead: &Lead{Title: "渡輪停航十一天後今晨復航抵達北碼頭"}}, false},
		"a link's address":         {Letter{Lead: &Lead{Title: "Tides", Body: []*Block{{Text: "See the table <https://averne.example/tides/2026/11/24> first."}}}}, false},
		"an address as text":       {Letter{Sections: []*Section{{Briefs: []*Brief{{Text: "https://averne.example/tides/2026/11/24"}}}}}, true},
	} {
		test.letter.Page = &Page{Newsletter: "Letter"}
		if got := test.letter.LongWord(); got != test.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
