package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// checker checks what takes more than one value, or the world, to judge. It
// says nothing of a setting that has a problem already, and completes what
// follows from other settings.
type checker struct {
	*tree
	*Config
	dir string // of the file
}

func check(t *tree, c *Config) {
	ch := &checker{t, c, filepath.Dir(c.Path)}
	ch.top()
	ids := ch.ids("relays", len(c.Relays), func(i int) string { return c.Relays[i].ID })
	for i := range c.Relays {
		ch.relay(fmt.Sprintf("relays[%d]", i), &c.Relays[i])
	}
	ch.ids("newsletters", len(c.Newsletters), func(i int) string { return c.Newsletters[i].ID })
	ch.domains()
	ch.routes(ids)
	ch.lists()
	ch.webhooks()
	ch.retention()
	ch.attributes()
	segments := ch.segments()
	for i := range c.Newsletters {
		if at := fmt.Sprintf("newsletters[%d]", i); ch.sound(at) {
			ch.newsletter(at, &c.Newsletters[i], ids)
			ch.choice(at, c.Newsletters[i], segments)
		}
	}
}

func (c *checker) top() {
	c.data()
	if c.given("base_url") {
		c.BaseURL = strings.TrimRight(c.BaseURL, "/")
		if c.webAddress("base_url", c.BaseURL) {
			if u, _ := url.Parse(c.BaseURL); u.RawQuery != "" || u.Fragment != "" || u.User != nil {
				c.complain("base_url", "", "%q: more than a host and a path", c.BaseURL)
			}
		}
	}
	c.listener("listen", c.Listen)
	c.listener("metrics", c.Metrics)
	if c.Metrics != "" && c.Metrics == c.Listen {
		c.complain("metrics", "the pages are for the world, these figures are not: give them a port of their own", "is the address of listen")
	}
	if _, _, err := net.SplitHostPort(c.Spamd); c.given("spamd") && !strings.HasPrefix(c.Spamd, "/") && err != nil {
		c.complain("spamd", "", "%q is neither host:port nor the absolute path of a socket", c.Spamd)
	}
	for i, network := range c.TrustedProxies {
		if _, err := ParseNetwork(network); err != nil {
			c.complain(fmt.Sprintf("trusted_proxies[%d]", i), "", "%v", err)
		}
	}
	c.notEmpty("relays", len(c.Relays))
	c.notEmpty("newsletters", len(c.Newsletters))
}

// listener complains of what is no address to listen at.
func (c *checker) listener(path, address string) {
	if !c.given(path) {
		return
	}
	_, port, err := net.SplitHostPort(address)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n > 65535 {
		c.complain(path, "", "%q is no address to listen at: write it like 127.0.0.1:9000", address)
	}
}

// notEmpty complains of a list that was given with nothing in it.
func (c *checker) notEmpty(path string, members int) {
	if members == 0 && c.given(path) {
		c.complain(path, "", "empty")
	}
}

// data checks the name of a database. It is quoted nowhere: it may hold a
// password.
func (c *checker) data() {
	if !c.given("data") {
		c.Data = c.path(c.Data)
		return
	}
	scheme, _, address := strings.Cut(c.Data, "://")
	if !address {
		if c.Data == "" {
			c.complain("data", "", "empty")
		}
		c.Data = c.path(c.Data)
		return
	}
	const written = "write it like postgres://lede@localhost/lede, or the path of a SQLite file"
	u, err := url.Parse(c.Data)
	switch {
	case scheme != "postgres" && scheme != "postgresql":
		c.complain("data", written, "databases of this kind are not known")
	case err != nil:
		c.complain("data", "in a password, %, /, ?, # and @ are written %25, %2F, %3F, %23 and %40", "this is no address of a database")
	case u.Host == "" && !u.Query().Has("host"):
		c.complain("data", written, "the host is missing")
	case strings.Trim(u.Path, "/") == "" && !u.Query().Has("dbname"):
		c.complain("data", written, "the name of the database is missing")
	}
}

// Store names the database for people: without its login.
func (c *Config) Store() string {
	if !strings.Contains(c.Data, "://") {
		return c.Data
	}
	u, err := url.Parse(c.Data)
	if err != nil {
		return "a database"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

var idForm = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// ids checks the ids of a list's members and returns them; nil when they
// cannot be relied on.
func (c *checker) ids(list string, members int, id func(int) string) []string {
	ids := make([]string, 0, members)
	reliable := c.sound(list)
	for i := range members {
		at := fmt.Sprintf("%s[%d].id", list, i)
		switch {
		case !c.given(at):
			reliable = false
		case !idForm.MatchString(id(i)):
			c.complain(at, "", "%q is no id: up to 40 of a-z, 0-9 and -", id(i))
			reliable = false
		case slices.Contains(ids, id(i)):
			c.complain(at, "", "%q is the id of %s[%d] too", id(i), list, slices.Index(ids, id(i)))
		}
		ids = append(ids, id(i))
	}
	if !reliable {
		return nil
	}
	return ids
}

// oneGiven returns the first path that was given, to be named where two
// settings contradict each other.
func (c *checker) oneGiven(first, second string) string {
	if c.given(first) {
		return first
	}
	return second
}

// webAddress checks an absolute http or https address and says whether it is
// one.
func (c *checker) webAddress(path, value string) bool {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Hostname() == "" || strings.ContainsAny(value, " \t\r\n") {
		c.complain(path, "", "%q is no web address: it starts with https:// or http:// and a host", value)
		return false
	}
	return true
}

// path returns a path of the file as an absolute one.
func (c *checker) path(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.dir, path)
}
