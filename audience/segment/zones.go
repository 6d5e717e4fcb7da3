package segment

import (
	_ "embed"
	"strings"
)

// zonesText is a country (ISO 3166-1) and its time zone a line, for each
// country that has one alone, as the time zone database lists them (zone.tab).
// Germany has two there; the exclave Büsingen is set aside.
//
//go:embed zones.txt
var zonesText string

// Countries returns the codes of the countries that have this time zone alone.
func Countries(zone string) []string {
	var found []string
	for line := range strings.Lines(zonesText) {
		if country, z, _ := strings.Cut(strings.TrimSpace(line), " "); z == zone && z != "" {
			found = append(found, country)
		}
	}
	return found
}

// AllCountries returns the codes of the countries that have one time zone.
func AllCountries() []string {
	var all []string
	for line := range strings.Lines(zonesText) {
		country, _, _ := strings.Cut(line, " ")
		all = append(all, country)
	}
	return all
}

// ZoneOf returns the time zone of a country that has one alone, empty for
// others. The code is compared as it stands, in capitals.
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
