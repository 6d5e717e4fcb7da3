package segment

import (
	"strings"
	"testing"

	"lede/audience"
)

func TestTypes(t *testing.T) {
	known := Known{Types: audience.Attributes{
		{Name: "age", Type: audience.TypeNumber},
		{Name: "renewal", Type: audience.TypeDate},
		{Name: "plan", Type: audience.TypeChoice, Values: []string{"free", "paid"}},
		{Name: "member", Type: audience.TypeYesNo},
		{Name: "land", Type: audience.TypeCountry},
		{Name: "postcode", Type: audience.TypeText},
	}}
	for _, tt := range []struct{ source, says, marks, hint string }{
		{`age >= 18 and age != 30 and age is set`, ``, ``, ``},
		{`renewal before 2027-04-01 or renewal in the next 2 weeks or renewal not in ("x") and town = "x"`, `column 77: renewal is a date`, `"x"`, `for instance renewal before 2027-04-01, renewal since 30 days ago`},
		{`renewal since 30 days ago and renewal != today`, ``, ``, ``},
		{`plan = "paid" and plan not in ("free", "") and plan contains "ai"`, ``, ``, ``},
		{`member = "yes" or member != "no"`, ``, ``, ``},
		{`land in ("AT", "DE") and land starts with "A"`, ``, ``, ``},
		{`postcode = "01067"`, ``, ``, ``},
		{`age = "30"`, `column 7: age is a number`, `"30"`, `numbers stand without quotation marks: age = 30`},
		{`tag "x" and age = "old"`, `column 19: age is a number`, `"old"`, `for instance age >= 18, age is set`},
		{`age not contains "3"`, `column 9: age is a number`, `contains`, `numbers stand without quotation marks: age = 3`},
		{`age since 2027-01-01`, `column 11: age is a number`, `2027-01-01`, `for instance age >= 18, age is set`},
		{`renewal = "2027-04-01"`, `column 11: renewal is a date`, `"2027-04-01"`, `days stand without quotation marks: renewal = 2027-04-01`},
		{`renewal > 5`, `column 11: renewal is a date`, `5`, ``},
		{`plan = 5`, `column 8: plan is one of free, paid`, `5`, `text stands in quotation marks: plan = "5"`},
		{`plan in ("free", "payd")`, `column 18: plan is one of free, paid, not "payd"`, `"payd"`, `did you mean paid?`},
		{`plan = "PAID"`, `column 8: plan is never written so`, `"PAID"`, `write "paid"`},
		{`member contains "y"`, `column 8: member is yes or no`, `contains`, `for instance member = "yes"`},
		{`member = "true"`, `column 10: member is never written so`, `"true"`, `write "yes"`},
		{`land = "Austria"`, `column 8: land is a country, not "Austria"`, `"Austria"`, ``},
		{`postcode > 1000`, `column 12: postcode is text`, `1000`, `text stands in quotation marks: postcode = "1000"`},
		{`postcode on today`, `column 13: postcode is text`, `today`, ``},
	} {
		e, err := Parse(tt.source)
		if err != nil {
			t.Fatalf("%s: %v", tt.source, err)
		}
		err = e.Check(known)
		if tt.says == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.source, err)
			}
			continue
		}
		wrong := firstError(err)
		if wrong == nil || wrong.Error() != tt.says {
			t.Errorf("%s: %v, want %s", tt.source, err, tt.says)
			continue
		}
		if got := wrong.Source[wrong.From:wrong.To]; got != tt.marks || tt.hint != "" && wrong.Hint != tt.hint || !strings.Contains(wrong.Caret(), "^") {
			t.Errorf("%s: marks %q, hint %q", tt.source, got, wrong.Hint)
		}
	}
}

// firstError is the first of joined errors.
func firstError(err error) *Error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		wrong, _ := joined.Unwrap()[0].(*Error) //nolint:errorlint // Check makes no other
		return wrong
	}
	return nil
}
