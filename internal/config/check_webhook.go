package config

import (
	"fmt"
	"net/url"
	"slices"

	"lede/newsroom"
)

// Webhook is an address that is told of what happens to people.
type Webhook struct {
	ID          string   `mapstructure:"id" need:"true"`
	URL         Secret   `mapstructure:"url" need:"true"` // may hold a token
	Secret      Secret   `mapstructure:"secret" need:"true"`
	Events      []string `mapstructure:"events"`      // none: all
	Lists       []string `mapstructure:"lists"`       // with Newsletters empty as well: of all
	Newsletters []string `mapstructure:"newsletters"` // and the lists that these go to
	Private     bool     `mapstructure:"private"`     // may be at an address that is not public
	Key         []byte   `mapstructure:"-"`           // what Secret says
}

// webhooks checks whom to tell.
func (c *checker) webhooks() {
	c.ids("webhooks", len(c.Webhooks), func(i int) string { return c.Webhooks[i].ID })
	var newsletters []string
	for _, n := range c.Newsletters {
		newsletters = append(newsletters, n.ID)
	}
	for i := range c.Webhooks {
		w := &c.Webhooks[i]
		at := fmt.Sprintf("webhooks[%d]", i)
		if c.given(at + ".url") {
			c.webhookURL(at+".url", string(w.URL), w.Private)
		}
		if path := at + ".secret"; c.given(path) {
			key, err := newsroom.ParseWebhookSecret(string(w.Secret))
			if err != nil {
				c.complain(path, "`lede webhooks secret` makes one; keep it in the environment: ${WEBHOOK_SECRET}", "%v", err)
			}
			w.Key = key
		}
		c.known(at+".events", w.Events, newsroom.WebhookEvents(), "there is no event %q%s")
		c.known(at+".newsletters", w.Newsletters, newsletters, "there is no newsletter %q%s")
		for j, list := range w.Lists {
			if path := fmt.Sprintf("%s.lists[%d]", at, j); c.given(path) && !idForm.MatchString(list) {
				c.complain(path, "", "%q is no id: up to 40 of a-z, 0-9 and -", list)
			}
		}
		if len(w.Events) == 0 {
			w.Events = newsroom.WebhookEvents()
		}
	}
}

// webhookURL complains of an address that no webhook may have, without showing
// it.
func (c *checker) webhookURL(path, text string, private bool) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		c.complain(path, "", "is no web address: it starts with https:// and a host")
	case u.Scheme == "http" && !private:
		c.complain(path, "what is told is about people; http:// is for your own network: private: true", "is not https://")
	case u.Fragment != "":
		c.complain(path, "", "has a # part, which no server is sent")
	}
}

// Hooks are the webhooks as the newsroom knows them.
func (c *Config) Hooks() []newsroom.Webhook {
	all := make([]newsroom.Webhook, 0, len(c.Webhooks))
	for _, w := range c.Webhooks {
		lists := slices.Clone(w.Lists)
		for _, n := range c.Newsletters {
			if slices.Contains(w.Newsletters, n.ID) {
				lists = append(lists, n.Lists...)
			}
		}
		all = append(all, newsroom.Webhook{
			ID: w.ID, URL: string(w.URL), Secret: w.Key, Events: w.Events, Lists: lists, Newsletters: w.Newsletters, Private: w.Private,
		})
	}
	return all
}
