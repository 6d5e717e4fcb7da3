package templates

import (
	"os"
	"reflect"
	"regexp"
	"strings"
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
	for _, theme := range Names() {
		files, err := embedded(theme)
		if err != nil {
			t.Fatal(err)
		}
		for name := range files {
			said(name)
		}
	}
	for _, of := range []any{Page{}, Letter{}, Lead{}, Picture{}, Block{}, Item{}, Section{}, Brief{}, Footer{}, Message{}} {
		for _, name := range fieldNames(reflect.TypeOf(of)) {
			said("." + name)
		}
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Words]()) {
		switch {
		case !f.IsExported(), strings.HasSuffix(f.Name, "Pattern"), f.Name == "Clock", f.Type.Kind() != reflect.String:
			continue // what they make is in other fields, or comes from a method
		}
		said("." + f.Name)
	}
	for _, funcs := range []map[string]any{htmlFuncs(), textFuncs()} {
		for name := range funcs {
			if name != "conditional" { // stands behind <!--[if mso]>
				said(name)
			}
		}
	}
}
