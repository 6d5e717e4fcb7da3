package segment

import (
	_ "embed"
	"slices"
	"strings"

	"lede/audience"
)

// zonesText is a country (ISO 3166-1) and its time zone a line, for each country
// that has one alone, as the time zone database lists them (zone.tab), and for
// those where at least nine in ten people live in one, or all zones show the same
// time today: AR, CL, CN, CY, DE, EC, ES, GL, KI, KZ, MH, MN, MY, NZ, PF, PG, PS,
// PT, UA, UZ. Of Australia, Brazil, Canada, Congo (CD), Indonesia, Mexico,
// Micronesia, Russia and the USA a country says too little.
//
//go:embed zones.txt
var zonesText string

// Countries returns the codes of the countries that lie in this time zone.
func Countries(zone string) []string {
	var found []string
	for line := range strings.Lines(zonesText) {
		if code, z, _ := strings.Cut(strings.TrimSpace(line), " "); z == zone && z != "" {
			found = append(found, code)
		}
	}
	return found
}

// AllCountries returns the codes of the countries that lie in one time zone.
func AllCountries() []string {
	var all []string
	for line := range strings.Lines(zonesText) {
		code, _, _ := strings.Cut(line, " ")
		all = append(all, code)
	}
	return all
}

// ZoneOf returns the time zone of a country that lies in one, empty for others. The code is compared as it stands, in capitals.
func ZoneOf(country string) string {
	if country == "" {
		return ""
	}
	for line := range strings.Lines(zonesText) {
		if c, zone, _ := strings.Cut(strings.TrimSpace(line), " "); c == country {
			return zone
		}
	}
	return ""
}

// Places are the attributes that tell in which time zone a person lives. The
// zero Places are the attributes timezone and country.
type Places struct {
	Timezones []string // that hold a time zone; the first that is set counts
	Countries []string // that hold a country, where no zone is set; the first that is set counts
}

// PlacesOf returns the places that declared attributes make: timezone, which
// readers choose themselves, before the others of that type, and country, unless
// it is declared as something else, behind the others of its type.
func PlacesOf(declared audience.Attributes) Places {
	p := Places{Timezones: []string{audience.AttributeTimezone}}
	for _, a := range declared {
		switch {
		case a.Type == audience.TypeTimezone && a.Name != audience.AttributeTimezone:
			p.Timezones = append(p.Timezones, a.Name)
		case a.Type == audience.TypeCountry && a.Name != country:
			p.Countries = append(p.Countries, a.Name)
		}
	}
	if c, ok := declared.Find(country); !ok || c.Type == audience.TypeCountry {
		p.Countries = append(p.Countries, country)
	}
	return p
}

// country is the attribute that holds a country unless others are declared.
const country = "country"

// Usual returns the places with the zero Places spelled out.
func (p Places) Usual() Places {
	if len(p.Timezones)+len(p.Countries) == 0 {
		return PlacesOf(nil)
	}
	return p
}

// zone is the time zone that attributes tell, empty for none.
func (p Places) zone(attributes map[string]string) string {
	p = p.Usual()
	set := func(name string) bool { return attributes[name] != "" }
	if i := slices.IndexFunc(p.Timezones, set); i >= 0 {
		return attributes[p.Timezones[i]]
	}
	if i := slices.IndexFunc(p.Countries, set); i >= 0 {
		return ZoneOf(attributes[p.Countries[i]])
	}
	return ""
}
