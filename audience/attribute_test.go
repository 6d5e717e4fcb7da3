package audience

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCleanAttribute(t *testing.T) {
	plan := Attribute{Name: "plan", Type: TypeChoice, Values: []string{"free", "Paid"}}
	of := func(t AttributeType) Attribute { return Attribute{Name: "x", Type: t} }
	for _, tt := range []struct {
		attribute   Attribute
		value, want string // empty: it is refused
	}{
		{of(TypeText), " 007 ", "007"},
		{of(TypeNumber), "007", "7"},
		{of(TypeNumber), "+4.50", "4.5"},
		{of(TypeNumber), "-0.0", "0"},
		{of(TypeNumber), ".5", "0.5"},
		{of(TypeNumber), "-12.", "-12"},
		{of(TypeNumber), "123456789012345", "123456789012345"},
		{of(TypeNumber), "1234567890123456", ""},
		{of(TypeNumber), "1,234", ""},
		{of(TypeNumber), "1e3", ""},
		{of(TypeNumber), "--1", ""},
		{of(TypeNumber), ".", ""},
		{of(TypeNumber), "٣", ""},
		{of(TypeNumber), strings.Repeat("0", 100), ""},
		{of(TypeDate), "2027-04-01", "2027-04-01"},
		{of(TypeDate), "2027-04-01T23:30:00+02:00", "2027-04-01"},
		{of(TypeDate), "1.4.2027", "2027-04-01"},
		{of(TypeDate), "01.04.1961", "1961-04-01"},
		{of(TypeDate), "2027/04/01 06:30", "2027-04-01"},
		{of(TypeDate), "20270401", "2027-04-01"},
		{of(TypeDate), "04/01/2027", ""},
		{of(TypeDate), "2027-02-30", ""},
		{of(TypeDate), "soon", ""},
		{of(TypeYesNo), "TRUE", "yes"},
		{of(TypeYesNo), "Ja", "yes"},
		{of(TypeYesNo), "0", "no"},
		{of(TypeYesNo), "maybe", ""},
		{plan, "PAID", "Paid"},
		{plan, "free", "free"},
		{plan, "gold", ""},
		{of(TypeCountry), "at", "AT"},
		{of(TypeCountry), "AUT", "AT"},
		{of(TypeCountry), "UK", "GB"},
		{of(TypeCountry), "Austria", ""},
		{of(TypeCountry), "EU", ""},
		{of(TypeCountry), "040", ""},
		{of(TypeTimezone), "Europe/Lisbon", "Europe/Lisbon"},
		{of(TypeTimezone), "Local", ""},
		{of(TypeTimezone), "../../etc/passwd", ""},
		{of(TypeTimezone), "Port Averne", ""},
	} {
		got, err := tt.attribute.Clean(tt.value)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s %q: %q, %v; want %q", tt.attribute.Type, tt.value, got, err, tt.want)
		}
		if again, err := tt.attribute.Clean(got); got != "" && (again != got || err != nil) {
			t.Errorf("%s %q: cleaned again %q, %v", tt.attribute.Type, got, again, err)
		}
	}
}

// A wrong value is left out, said with its line and its attribute, and the
// person is taken.
func TestImportWithTypes(t *testing.T) {
	declared := Attributes{{Name: "age", Type: TypeNumber}, {Name: "plan", Type: TypeChoice, Values: []string{"free", "paid"}}, {Name: "member", Type: TypeYesNo}}
	var survey Survey
	k, res, _, err := importText(t, "email,age,plan,member,town\nona@averne.example,030,PAID,x,7\nines@averne.example,old,gold,,\nrui@averne.example,old,,true,\n",
		ImportOptions{Survey: &survey, Attributes: declared, Name: "people.csv"})
	if err != nil || res.New != 3 || res.Rejected != 0 {
		t.Fatalf("%+v, %v", res, err)
	}
	got := map[string]map[string]string{}
	for _, row := range k.rows {
		got[row.Address] = row.Attributes
	}
	want := map[string]map[string]string{
		"ona@averne.example": {"age": "30", "plan": "paid", "town": "7"}, "ines@averne.example": nil, "rui@averne.example": {"member": "yes"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if survey.Flags[FlagAttribute] != 4 || len(survey.Flagged) != 4 || survey.Flagged[1].Line != 3 {
		t.Errorf("%+v", survey)
	}
	notes := strings.Join(survey.Files[0].Notes, "\n")
	for _, want := range []string{
		`2 values of age left out, the first in line 3: age: "old" is no number: write it like 30 or -1.5, with at most 15 digits`,
		`a value of plan left out, the first in line 3: plan: "gold" is not one of its values: write free, paid`,
		`a value of member left out, the first in line 2: member: "x" is not yes or no: write yes or no`,
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is not in\n%s", want, notes)
		}
	}
}

// FuzzCleanAttribute: what is kept is kept again, fits on a line, and is a
// number or a day to conditions where the type says so.
func FuzzCleanAttribute(f *testing.F) {
	for _, s := range []string{"30", "-1.50", "2027-04-01T00:00", "1.4.2027", "yes", "AUT", "Europe/Lisbon", "paid", "\x00", "９", "../UTC", "00000000000000000001"} {
		f.Add(s)
	}
	types := []Attribute{
		{Type: TypeNumber}, {Type: TypeDate}, {Type: TypeYesNo}, {Type: TypeChoice, Values: []string{"free", "Paid"}}, {Type: TypeCountry}, {Type: TypeTimezone},
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, a := range types {
			clean, err := a.Clean(value)
			if err != nil {
				if clean != "" || len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\r\n") {
					t.Errorf("%s %q: %q, %v", a.Type, value, clean, err)
				}
				continue
			}
			again, err := a.Clean(clean)
			if err != nil || again != clean || clean == "" || strings.ContainsAny(clean, "\r\n\x00\"") || len(clean) > 64 {
				t.Errorf("%s %q: kept as %q, then %q, %v", a.Type, value, clean, again, err)
			}
			if a.Type == TypeNumber && (strings.Trim(clean, "-.0123456789") != "" || len(strings.Trim(clean, "-.")) > 16) {
				t.Errorf("%q is kept as the number %q", value, clean)
			}
		}
	})
}
