package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	platforms := `{"macos":{"2021":"y","16.80":"a #1"},"windows":{"2019":"n"}}`
	var features []string
	for range fewest {
		features = append(features, `{"slug":"css-x","title":"x  property","stats":{"outlook":`+platforms+`,"rare":{"ios":{"1":"y"}}}}`)
	}
	text, err := table([]byte(`{"last_update_date":"2026-05-13 14:45:41 +0000","nicenames":{"family":{"outlook":"Outlook"},"platform":{"macos":"macOS"}},"data":[` +
		strings.Join(features, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"as of 2026-05-13.", "client\toutlook.macos\tOutlook, macOS\n", "client\toutlook.windows\tOutlook, windows\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the table lacks %q:\n%.600s", want, text)
		}
	}
	// The newest version is the last one, whatever its number.
	if !strings.Contains(string(text), "css-x\tx property\tany\n") {
		t.Errorf("got %.800s", text)
	}
}

func TestTableRefusesOtherData(t *testing.T) {
	for name, data := range map[string]string{
		"no JSON": "x", "no features": `{"last_update_date":"2026-01-01"}`,
		"unknown verdict": `{"last_update_date":"2026-01-01","data":[` + strings.Repeat(`{"slug":"a","stats":{"x":{"y":{"1":"z"}}}},`, fewest) + `{}]}`,
	} {
		if _, err := table([]byte(data)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
