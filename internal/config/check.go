package config

import (
	"fmt"
	"net"
	"net/netip"
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
	for i := range c.Newsletters {
		if at := fmt.Sprintf("newsletters[%d]", i); ch.sound(at) {
			ch.newsletter(at, &c.Newsletters[i], ids)
		}
	}
}

func (c *checker) top() {
	if c.given("data") && c.Data == "" {
		c.complain("data", "", "empty")
	}
	if !strings.Contains(c.Data, "://") {
		c.Data = c.path(c.Data)
	}
	if c.given("base_url") {
		c.BaseURL = strings.TrimRight(c.BaseURL, "/")
		if c.webAddress("base_url", c.BaseURL) {
			if u, _ := url.Parse(c.BaseURL); u.RawQuery != "" || u.Fragment != "" || u.User != nil {
				c.complain("base_url", "", "%q: more than a host and a path", c.BaseURL)
			}
		}
	}
	if c.given("listen") {
		_, port, err := net.SplitHostPort(c.Listen)
		if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n > 65535 {
			c.complain("listen", "", "%q is no address to listen at: write it like 127.0.0.1:9000", c.Listen)
		}
	}
	c.notEmpty("relays", len(c.Relays))
	c.notEmpty("newsletters", len(c.Newsletters))
}

// notEmpty complains of a list that was given with nothing in it.
func (c *checker) notEmpty(path string, members int) {
	if members == 0 && c.given(path) {
		c.complain(path, "", "empty")
	}
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

func (c *checker) relay(at string, r *Relay) {
	if !c.sound(at) {
		return
	}
	if c.given(at+".host") && !hostName(r.Host) && net.ParseIP(r.Host) == nil {
		c.complain(at+".host", "", "%q is no host: write it like smtp.example.org; the port has a line of its own", r.Host)
	}
	if c.given(at+".helo") && !hostName(r.Helo) && !addressLiteral(r.Helo) {
		c.complain(at+".helo", "", "%q is no host name", r.Helo)
	}
	// An empty name or password is none: a variable may leave it out.
	switch {
	case !c.sound(at+".username") || !c.sound(at+".password"):
	case r.Username != "" && r.Password == "":
		c.complain(at+".username", "", "given without a password")
	case r.Username == "" && r.Password != "":
		c.complain(at+".password", "", "given without a username")
	}
	if c.sound(at+".tls") && c.given(at+".password") && r.TLS == "none" && r.Password != "" && !loopback(r.Host) {
		c.complain(at+".tls", "starttls or implicit", "none would send the password to %q in clear text", r.Host)
	}
	if c.sound(at+".tls") && r.TLS == "implicit" && c.sound(at+".port") && !c.given(at+".port") {
		r.Port = portSubmissions
	}
	if r.TLS == "starttls" && r.Port == portSubmissions && c.given(at+".port") {
		c.warn("%s: port 465 speaks TLS from the first byte: tls is probably implicit, not starttls", at)
	}
	retry := at + ".retry"
	if !c.sound(retry+".first") || !c.sound(retry+".longest") || !c.sound(retry+".give_up_after") {
		return
	}
	switch {
	case r.Retry.First <= 0:
		c.complain(retry+".first", "", "0 would try again without a pause")
	case r.Retry.Longest < r.Retry.First:
		c.complain(c.oneGiven(retry+".longest", retry+".first"), "", "longest (%s) is shorter than first (%s)", r.Retry.Longest, r.Retry.First)
	case r.Retry.GiveUpAfter < r.Retry.First:
		c.complain(c.oneGiven(retry+".give_up_after", retry+".first"), "", "give_up_after (%s) is shorter than first (%s)", r.Retry.GiveUpAfter, r.Retry.First)
	}
}

// oneGiven returns the first path that was given, to be named where two
// settings contradict each other.
func (c *checker) oneGiven(first, second string) string {
	if c.given(first) {
		return first
	}
	return second
}

// loopback says whether a host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// addressLiteral says whether s is an address as EHLO gives it (RFC 5321,
// section 4.1.3).
func addressLiteral(s string) bool {
	inner, ok := strings.CutPrefix(s, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	_, err := netip.ParseAddr(strings.TrimPrefix(inner, "IPv6:"))
	return ok && closed && err == nil
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
