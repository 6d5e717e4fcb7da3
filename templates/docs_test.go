package templates

import (
	"os"
	"reflect"
	"regexp"
	"testing"
)

// docs/themes.md names every file, field, word and function that there is.
func TestThemesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/themes.md")
	if err != nil {
		t.Fatal(err)
	}
	said := func(what string) {
		t.Helper()
		if !regexp.MustCompile("[`. ]" + regexp.QuoteMeta(what) + "[` ]").Match(page) {
			t.Errorf("docs/themes.md does not name %s", what)
		}
	}
	files, err := embedded("broadsheet")
	if err != nil {
		t.Fatal(err)
	}
	for name := range files {
		said(name)
	}
	for _, of := range []any{Page{}, Letter{}, Lead{}, Picture{}, Block{}, Item{}, Section{}, Brief{}, Footer{}} {
		for _, name := range fieldNames(reflect.TypeOf(of)) {
			said("." + name)
		}
	}
	for _, name := range fieldNames(reflect.TypeFor[Words]()) {
		switch name {
		case "DatePattern", "EventDayPattern", "Clock", "NumberPattern", "ReasonPattern":
			continue // what they make is in other fields
		}
		said("." + name)
	}
	for _, funcs := range []map[string]any{htmlFuncs(), textFuncs()} {
		for name := range funcs {
			if name != "conditional" { // stands behind <!--[if mso]>
				said(name)
			}
		}
	}
}
