package config

import (
	"fmt"
	"log/slog"
	"net/mail"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"lede/compose"
)

// Secret is a password. It prints as asterisks; string(s) is the password.
type Secret string

const asterisks = "********"

// String returns asterisks, or nothing for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return asterisks
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText is String, for JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is String, for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Duration is a span of time, written in days, hours, minutes and seconds:
// "7d", "6h", "1h30m", "90s", "0".
type Duration time.Duration

const longestDuration = 3650 * 24 * time.Hour

// UnmarshalText reads a duration. It is never negative.
func (d *Duration) UnmarshalText(text []byte) error {
	written := string(text)
	var sum time.Duration
	rest := written
	if days, hours, found := strings.Cut(written, "d"); found {
		n, err := strconv.ParseUint(days, 10, 12)
		if err != nil {
			return notDuration(written)
		}
		sum, rest = time.Duration(n)*24*time.Hour, hours
	}
	if rest != "" || sum == 0 && written != "0d" {
		hours, err := time.ParseDuration(rest)
		if err != nil || hours < 0 || strings.ContainsAny(rest, "+-nuµμ") || strings.Contains(rest, "ms") {
			return notDuration(written)
		}
		if hours > longestDuration {
			return fmt.Errorf("%q is more than ten years", written)
		}
		sum += hours
	}
	if sum > longestDuration {
		return fmt.Errorf("%q is more than ten years", written)
	}
	*d = Duration(sum)
	return nil
}

func notDuration(written string) error {
	return fmt.Errorf("%q is no span of time: write it like 90s, 15m, 6h or 7d", written)
}

// String writes d as it is written in the file.
func (d Duration) String() string {
	days, rest := time.Duration(d)/(24*time.Hour), time.Duration(d)%(24*time.Hour)
	if days > 3 && rest == 0 {
		return fmt.Sprintf("%dd", days)
	}
	s := time.Duration(d).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// Rate is a number of mails in a time, written "50/s", "600/m", "2000/h" or
// "50000/d". The zero Rate is no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

// UnmarshalText reads a rate.
func (r *Rate) UnmarshalText(text []byte) error {
	count, unit, found := strings.Cut(string(text), "/")
	n, err := strconv.Atoi(strings.TrimSpace(count))
	per := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[strings.TrimSpace(unit)]
	if !found || err != nil || n < 1 || n > 1_000_000_000 || per == 0 {
		return fmt.Errorf("%q is no rate: write it like 50/s, 600/m, 2000/h or 50000/d", text)
	}
	*r = Rate{Count: n, Per: per}
	return nil
}

// Count is a number of mails. The zero Count is no limit, and cannot be
// written: 0 would read as "none at all".
type Count int

const mostMails = 100_000_000

// Factor is by how much something grows each day: "1.5".
type Factor float64

// UnmarshalText reads a factor above 1 and up to 10.
func (f *Factor) UnmarshalText(text []byte) error {
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(n > 1 && n <= 10) || strings.ContainsAny(string(text), "xXpP_") {
		return fmt.Errorf("%q is no growth: write a number above 1 and up to 10, such as 1.5", text)
	}
	*f = Factor(n)
	return nil
}

// Day is a day of the calendar, written "2026-12-01": its midnight in UTC.
type Day struct{ time.Time }

// UnmarshalText reads a day.
func (d *Day) UnmarshalText(text []byte) error {
	day, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return fmt.Errorf("%q is no day: write it like 2026-12-01", text)
	}
	d.Time = day
	return nil
}

// Ago is how long ago something was: "1y", "6m", "2w", "10d".
type Ago struct{ compose.Ago }

// TimeZone is a zone of the IANA database ("Europe/Lisbon").
type TimeZone struct{ *time.Location }

// UnmarshalText reads the name of a zone. The machine's own zone ("Local") is
// refused: the same file would mean other times elsewhere.
func (z *TimeZone) UnmarshalText(text []byte) error {
	name := string(text)
	location, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return fmt.Errorf("%q is no time zone: write it like Europe/Lisbon", name)
	}
	z.Location = location
	return nil
}

// Language is a BCP 47 tag ("en", "pt-BR").
type Language string

// UnmarshalText reads a language tag.
func (l *Language) UnmarshalText(text []byte) error {
	tag, err := language.Parse(string(text))
	if err != nil || tag == language.Und {
		return fmt.Errorf("%q is no language: write it like en or pt-BR", text)
	}
	*l = Language(tag.String())
	return nil
}

// Mailbox is an address with a name: "The Harbour Letter <letter@example.org>".
type Mailbox mail.Address

// UnmarshalText reads a mailbox.
func (m *Mailbox) UnmarshalText(text []byte) error {
	address, err := mail.ParseAddress(string(text))
	if err != nil || !plausible(address.Address) {
		return fmt.Errorf("%q is no mailbox: write it like The Harbour Letter <letter@example.org>", text)
	}
	*m = Mailbox(*address)
	return nil
}

// Domain returns what stands after the @, in lower case.
func (m Mailbox) Domain() string { return domainOf(m.Address) }

func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}

// plausible says whether an address that net/mail understands can be written
// to: on one line, with a host name behind its @.
func plausible(address string) bool {
	return strings.Contains(address, "@") && hostName(domainOf(address)) && !strings.ContainsAny(address, "\r\n\x00")
}

var labels = regexp.MustCompile(`^[\pL\pN]([\pL\pN\pM_-]*[\pL\pN\pM])?(\.[\pL\pN]([\pL\pN\pM_-]*[\pL\pN\pM])?)*$`)

// hostName says whether s is a name of a host, international or not.
func hostName(s string) bool { return len(s) <= 253 && labels.MatchString(s) }

// ParseNetwork reads a network of addresses ("10.0.0.0/8"), or one address.
func ParseNetwork(written string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(written); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(written)
	if err != nil || prefix.Masked() != prefix {
		return netip.Prefix{}, fmt.Errorf("%q is no network: write it like 10.0.0.0/8 or 192.0.2.1", written)
	}
	return prefix, nil
}
