package config

import (
	"slices"
	"strings"
	"testing"

	"lede/newsroom"
)

func TestWebhooks(t *testing.T) {
	const secret = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
	const good = "webhooks:\n  - {id: crm, url: 'https://crm.example.org/t0ken', secret: " + secret
	for _, c := range []struct{ name, text, problem string }{
		{"all", good + "}", ""},
		{"an event", good + ", events: [subscribd]}", `webhooks[0].events[0]: there is no event "subscribd"`},
		{"a newsletter", good + ", newsletters: [harbor]}", `there is no newsletter "harbor"`},
		{"a secret", strings.Replace(good, "whsec_", "", 1) + "}", "webhooks[0].secret: is no secret"},
		{"a short secret", strings.Replace(good, secret, "whsec_c2VjcmV0", 1) + "}", "webhooks[0].secret: is no secret"},
		{"http", strings.Replace(good, "https:", "http:", 1) + "}", "webhooks[0].url: is not https://"},
		{"http within", strings.Replace(good, "https:", "http:", 1) + ", private: true}", ""},
		{"no address", strings.Replace(good, "https://", "", 1) + "}", "webhooks[0].url: is no web address"},
		{"two of an id", good + "}\n  - {id: crm, url: 'https://crm.example.org/', secret: " + secret + "}", `"crm" is the id of webhooks[0] too`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := Load(write(t, small+c.text+"\n"), nil)
			if c.problem == "" {
				if err != nil {
					t.Fatal(err)
				}
				w := cfg.Hooks()[0]
				if string(w.Secret) != "secretsecretsecretsecret" || !slices.Equal(w.Events, newsroom.WebhookEvents()) {
					t.Errorf("got %+v", w)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Fatalf("got %v, want %q", err, c.problem)
			}
			if strings.Contains(err.Error(), "t0ken") || strings.Contains(err.Error(), "c2VjcmV0") {
				t.Errorf("%v tells a secret", err)
			}
		})
	}
}
