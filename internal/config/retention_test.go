package config

import (
	"strings"
	"testing"
	"time"
)

func TestRetention(t *testing.T) {
	for _, c := range []struct{ name, text, problem string }{
		{"years", "retention: {unsubscribed: 1095d, deliveries: 730d, ip: 90d}", ""},
		{"minutes for months", "retention: {unsubscribed: 36m}", "retention.unsubscribed: 36m is less than a day"},
		{"an hour", "retention: {ip: 1h}", "retention.ip: 1h is less than a day"},
		{"a word", "retention: {ip: never}", `"never" is no span of time`},
		{"another rule", "retention: {pictures: 90d}", "pictures"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := Load(write(t, small+c.text+"\n"), nil)
			switch {
			case c.problem == "" && err != nil:
				t.Fatal(err)
			case c.problem == "" && cfg.Retention.IP != Duration(90*24*time.Hour):
				t.Errorf("got %+v", cfg.Retention)
			case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
				t.Fatalf("got %v, want %q", err, c.problem)
			}
		})
	}
}
