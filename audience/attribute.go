package audience

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// Attribute says what an attribute of people holds.
type Attribute struct {
	Name   string
	Title  string // for people; empty: Name
	Type   AttributeType
	Values []string // that a choice may have; of other types none
}

// AttributeType is the type of an attribute.
type AttributeType string

// The types of attributes, and how their values are kept.
const (
	TypeText     AttributeType = "text"     // as it comes
	TypeNumber   AttributeType = "number"   // 30, -1.5: at most 15 digits
	TypeDate     AttributeType = "date"     // a day: 2027-04-01
	TypeYesNo    AttributeType = "yes_no"   // yes or no
	TypeChoice   AttributeType = "choice"   // one of its values, as they are spelled
	TypeCountry  AttributeType = "country"  // of ISO 3166-1, two letters: AT
	TypeTimezone AttributeType = "timezone" // of the IANA: Europe/Vienna
)

// Is says in words what values of the attribute are.
func (a Attribute) Is() string {
	switch a.Type {
	case TypeNumber:
		return "a number"
	case TypeDate:
		return "a date"
	case TypeYesNo:
		return "yes or no"
	case TypeChoice:
		return "one of " + strings.Join(a.Values, ", ")
	case TypeCountry:
		return "a country"
	case TypeTimezone:
		return "a time zone"
	}
	return "text"
}

// Clean returns a value, which is not empty, as it is kept. The error says what
// is wrong with it and how it is written.
func (a Attribute) Clean(value string) (string, error) {
	value = strings.TrimSpace(value)
	var clean, write string
	switch a.Type {
	case TypeNumber:
		clean, write = cleanNumber(value), "write it like 30 or -1.5, with at most 15 digits"
	case TypeDate:
		clean, write = cleanDay(value), "write it like 2027-04-01"
	case TypeYesNo:
		clean, write = yesNo[strings.ToLower(value)], "write yes or no"
	case TypeChoice:
		clean, write = a.choose(value), "write "+strings.Join(a.Values, ", ")
	case TypeCountry:
		clean, write = cleanCountry(value), "write the two letters of ISO 3166, like AT"
	case TypeTimezone:
		clean, write = cleanZone(value), "write it like Europe/Lisbon"
	default:
		return value, nil
	}
	if clean == "" {
		what := a.Is()
		if _, rest, one := strings.Cut(what, "a "); one && a.Type != TypeChoice {
			return "", fmt.Errorf("%q is no %s: %s", cut(value, 60), rest, write)
		}
		if a.Type == TypeChoice {
			what = "one of its values"
		}
		return "", fmt.Errorf("%q is not %s: %s", cut(value, 60), what, cut(write, 200))
	}
	return clean, nil
}

// choose finds a value of a choice, in whatever case.
func (a Attribute) choose(value string) string {
	if slices.Contains(a.Values, value) {
		return value
	}
	for _, v := range a.Values {
		if strings.EqualFold(v, value) {
			return v
		}
	}
	return ""
}

// cleanNumber brings a number into its shortest form; empty for what is none.
// Only a full stop parts decimals: 1,234 may be read in two ways.
func cleanNumber(s string) string {
	minus := strings.HasPrefix(s, "-")
	if minus || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	whole, part, _ := strings.Cut(s, ".")
	if len(s) > 40 || whole+part == "" || strings.Trim(whole+part, "0123456789") != "" {
		return ""
	}
	whole, part = strings.TrimLeft(whole, "0"), strings.TrimRight(part, "0")
	if whole == "" {
		whole = "0"
	}
	if len(whole)+len(part) > 15 {
		return ""
	}
	if part != "" {
		whole += "." + part
	}
	if minus && whole != "0" {
		whole = "-" + whole
	}
	return whole
}

// cleanDay reads a day in a spelling that has one meaning alone; a time behind
// it is dropped. Empty for what is none.
func cleanDay(s string) string {
	if len(s) > 10 && (s[10] == 'T' || s[10] == ' ') && len(s) <= 60 {
		s = s[:10]
	}
	for _, layout := range []string{time.DateOnly, "2006/01/02", "20060102", "2.1.2006"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1000 && t.Year() <= 9000 {
			return t.Format(time.DateOnly)
		}
	}
	return ""
}

// yesNo are words that other programs and people write for yes and no.
var yesNo = map[string]string{
	"yes": "yes", "y": "yes", "true": "yes", "t": "yes", "1": "yes", "on": "yes",
	"no": "no", "n": "no", "false": "no", "f": "no", "0": "no", "off": "no",
	"ja": "yes", "oui": "yes", "sí": "yes", "si": "yes", "sì": "yes", "sim": "yes",
	"nein": "no", "non": "no", "não": "no", "nee": "no", "nej": "no", "nei": "no",
}

// cleanCountry returns the code of a country by one of ISO 3166-1, of two or
// three letters; empty for what is none.
func cleanCountry(s string) string {
	if len(s) != 2 && len(s) != 3 || strings.ContainsAny(s, "0123456789") {
		return ""
	}
	r, err := language.ParseRegion(s)
	if err != nil {
		return ""
	}
	if r = r.Canonicalize(); !r.IsCountry() {
		return ""
	}
	return r.String()
}

// cleanZone returns the name of a time zone; empty for what is none.
func cleanZone(s string) string {
	if s == "" || s == "Local" || len(s) > 64 {
		return ""
	}
	if _, err := time.LoadLocation(s); err != nil {
		return ""
	}
	return s
}

// Attributes are those that are declared. What is not declared is text.
type Attributes []Attribute

// Find returns what is declared of an attribute.
func (all Attributes) Find(name string) (Attribute, bool) {
	for _, a := range all {
		if a.Name == name {
			return a, true
		}
	}
	return Attribute{}, false
}

// Clean puts values into the form in which they are kept; empty ones stay. The
// error is of the first that is wrong, by the order of the declarations, and
// changes nothing; name says which.
func (all Attributes) Clean(values map[string]string) (name string, err error) {
	clean := map[string]string{}
	for _, a := range all {
		value := values[a.Name]
		if value == "" {
			continue
		}
		var wrong error
		if clean[a.Name], wrong = a.Clean(value); wrong != nil {
			return a.Name, wrong
		}
	}
	for name, value := range clean {
		values[name] = value
	}
	return "", nil
}

// Check says what is wrong with a declaration.
func (a Attribute) Check() error {
	switch {
	case a.Type == TypeChoice && len(a.Values) == 0:
		return errors.New("a choice needs its values")
	case a.Type != TypeChoice && len(a.Values) > 0:
		return errors.New("values are for the type choice")
	case a.Name == AttributeTimezone && a.Type != TypeTimezone:
		return errors.New("timezone is what readers choose themselves: its type is timezone")
	case a.Name == AttributeLanguage && a.Type != TypeText:
		return errors.New("language is what readers choose themselves: its type is text")
	}
	return nil
}
