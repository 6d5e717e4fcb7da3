package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "15m": 15 * time.Minute, "6h": 6 * time.Hour, "7d": 7 * 24 * time.Hour,
		"1h30m": 90 * time.Minute, "1d12h": 36 * time.Hour, "0": 0, "0s": 0, "0d": 0, "1.5h": 90 * time.Minute, "3650d": longestDuration,
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || time.Duration(d) != want {
			t.Errorf("%s: %v, %v", text, time.Duration(d), err)
		}
		var again Duration
		if err := again.UnmarshalText([]byte(d.String())); err != nil || again != d {
			t.Errorf("%s is written %s, which is %v, %v", text, d, again, err)
		}
	}
	for _, text := range []string{"", "6", "6 h", "-6h", "+6h", "6hours", "h", "d", "1d-1h", "-1d", "1d1d", "100ms", "1µs", "5ns", "3651d", "3650d1s", "99999h", "9999999999d", "1d 2h", "1h2d"} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, time.Duration(d))
		}
	}
	for d, want := range map[time.Duration]string{0: "0s", time.Minute: "1m", 24 * time.Hour: "24h", 72 * time.Hour: "72h", 96 * time.Hour: "4d", 90 * time.Second: "1m30s", 90 * time.Minute: "1h30m"} {
		if got := Duration(d).String(); got != want {
			t.Errorf("%v is written %s, want %s", d, got, want)
		}
	}
}

func TestRate(t *testing.T) {
	for text, want := range map[string]Rate{
		"50/s": {50, time.Second}, "600/m": {600, time.Minute}, "2000/h": {2000, time.Hour}, "50000/d": {50000, 24 * time.Hour}, "5 / s": {5, time.Second},
	} {
		var r Rate
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want {
			t.Errorf("%s: %v, %v", text, r, err)
		}
	}
	for _, text := range []string{"", "50", "/s", "0/s", "-1/s", "1.5/s", "50/", "50/w", "50/sec", "50/s/s", "99999999999/s"} {
		var r Rate
		if err := r.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, r)
		}
	}
}

func TestFactorAndDay(t *testing.T) {
	for text, want := range map[string]Factor{"1.5": 1.5, "2": 2, "10": 10, "1.0001": 1.0001} {
		var f Factor
		if err := f.UnmarshalText([]byte(text)); err != nil || f != want {
			t.Errorf("%s: %v, %v", text, f, err)
		}
	}
	for _, text := range []string{"", "1", "0.9", "-2", "NaN", "Inf", "11", "0x2", "1_5", "1,5", "fast"} {
		var f Factor
		if err := f.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, f)
		}
	}
	var d Day
	if err := d.UnmarshalText([]byte("2028-02-29")); err != nil || !d.Equal(time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%v, %v", d, err)
	}
	for _, text := range []string{"", "2026-02-30", "12-01", "2026-12-01T00:00:00Z", "tomorrow"} {
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, d)
		}
	}
}

func TestTimeZone(t *testing.T) {
	var z TimeZone
	if err := z.UnmarshalText([]byte("Europe/Lisbon")); err != nil || z.Location.String() != "Europe/Lisbon" {
		t.Errorf("%v, %v", z, err)
	}
	for _, name := range []string{"", "Local", "Lisbon", "../etc/passwd", "/etc/localtime"} {
		if err := z.UnmarshalText([]byte(name)); err == nil {
			t.Errorf("%q is a zone", name)
		}
	}
}

func TestMailbox(t *testing.T) {
	for text, want := range map[string]Mailbox{
		"letter@example.org":                            {Address: "letter@example.org"},
		"The Harbour Letter <letter@example.org>":       {"The Harbour Letter", "letter@example.org"},
		`"Letter, The" <letter@xn--hfen-loa.example>`:   {"Letter, The", "letter@xn--hfen-loa.example"},
		"=?utf-8?q?H=C3=A4fen?= <letter@häfen.example>": {"Häfen", "letter@häfen.example"},
	} {
		var m Mailbox
		if err := m.UnmarshalText([]byte(text)); err != nil || m != want {
			t.Errorf("%s: %+v, %v", text, m, err)
		}
	}
	for _, text := range []string{"", "letter", "letter@", "@example.org", "a@example.org, b@example.org", "letter@example .org", "letter@-example.org", "letter@[127.0.0.1]", "a\r\nBcc: b@example.org <a@example.org>"} {
		var m Mailbox
		if err := m.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %+v", text, m)
		}
	}
}

// TestSecretIsNeverPrinted prints a relay in every way that there is.
func TestSecretIsNeverPrinted(t *testing.T) {
	relay := Relay{ID: "main", Password: "hunter2"}
	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&printed, verb+verb+verb+"\n", relay, &relay, relay.Password)
	}
	for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(&printed, nil)), slog.New(slog.NewJSONHandler(&printed, nil))} {
		log.Info("relay", "relay", relay, "password", relay.Password)
	}
	if err := json.NewEncoder(&printed).Encode(relay); err != nil {
		t.Fatal(err)
	}
	if err := yaml.NewEncoder(&printed).Encode(relay); err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{"hunter2", fmt.Sprintf("%x", "hunter2")} {
		if strings.Contains(printed.String(), leak) {
			t.Errorf("a password is told:\n%s", &printed)
		}
	}
	if string(relay.Password) != "hunter2" || Secret("").String() != "" {
		t.Error("the password itself is lost")
	}
}

// TestFaultsTellNoSecret breaks a file with a password in many ways.
func TestFaultsTellNoSecret(t *testing.T) {
	const secret = "hunter2"
	around := func(password string) string {
		return strings.Replace(small, "host: localhost", "host: localhost\n    username: ines\n    "+password, 1)
	}
	secrets := []string{
		"password: hunter2", "password:hunter2", "password: *hunter2", "password: &hunter2", "password: !hunter2 x", "password: hunter2: x",
		"password: [hunter2]", "password: {hunter2: x}", "password: {x: hunter2}", "password: 'hunter2", "password: \"hunter2\\q\"",
		"password: ${hunter2", "password: ${hunter2 x}", "password: ${SECRET}", "pasword: hunter2", "hunter2", "- hunter2",
		"password: |hunter2", "password: >\n hunter2", "password: %hunter2", "password: @hunter2", "password: `hunter2`", "password: hunter2\n    password: hunter2",
		"password: !!int hunter2", "password: !!binary hunter2", "password: *hunter2*", "{password: hunter2}", "password: \thunter2", "<<: hunter2", "<<: {password:hunter2}",
		"lanes: ${SECRET}", "host: a b ${SECRET}", "port: '${SECRET}'", "helo: ${SECRET} ", "tls: ${SECRET}", "rate: ${SECRET}",
	}
	texts := []string{
		strings.Replace(small, "https://news", "https://ines:hunter2@news", 1), strings.Replace(small, "https://news", "https://ines:hunter2@", 1),
		strings.Replace(small, "folder: stories", "feed: 'http://ines:hunter2@%zz'", 1), strings.Replace(small, "folder: stories", "feed: ftp://ines:hunter2@x", 1),
		strings.Replace(small, "folder: stories", "folder: https://ines:hunter2@x", 1), "data: postgres://ines:hunter2@host/db\nlisten: x\n",
		strings.Replace(small, "folder: stories", "feed: 'https://${SECRET}@ x'", 1),
	}
	for _, s := range secrets {
		texts = append(texts, around(s), around(s)+"    min: none\n")
	}
	failed := 0
	for _, text := range texts {
		for _, environ := range [][]string{{"SECRET=" + secret}, {"SECRET=" + secret, "LEDE_RELAYS_MAIN_TLS=none", "LEDE_RELAYS_MAIN_HOST=smtp.example.org", "LEDE_RELAYS_MAIN_PASSWORD=" + secret}} {
			cfg, err := Load(write(t, text), environ)
			if err == nil {
				if strings.Contains(strings.Join(cfg.Warnings, ""), secret) {
					t.Errorf("a warning tells the password of\n%s", text)
				}
				continue
			}
			failed++
			// An unset variable is named; the file has it as a name.
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s\nof\n%s", err, text)
			}
		}
	}
	if failed < len(texts) {
		t.Errorf("only %d faults of %d texts", failed, len(texts))
	}
}

// FuzzLoad: whatever the file holds, Load answers, and every problem has a line
// of the file or a variable.
func FuzzLoad(f *testing.F) {
	f.Add(small, "LEDE_RELAYS_MAIN_PASSWORD=hunter2")
	f.Add("a: &a [*a]\n<<: *a\n", "")
	f.Add("newsletters: [{id: ${X}, not_on: [12-25], from: a@b}]\nrelays:\n", "X=harbour")
	f.Fuzz(func(t *testing.T, text, variable string) {
		_, err := Load(write(t, text), []string{variable})
		problems, ok := errors.AsType[Problems](err)
		if !ok {
			return
		}
		if len(problems) == 0 {
			t.Fatal("no problem in Problems")
		}
		lines := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\u0085") + strings.Count(text, "\u2028") + strings.Count(text, "\u2029") + 1
		for _, p := range problems {
			if p.What == "" || p.Variable == "" && (p.Line < 1 || p.Line > lines) {
				t.Errorf("a problem without a place or a text: %+v", p)
			}
		}
	})
}
