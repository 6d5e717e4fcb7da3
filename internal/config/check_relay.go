package config

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

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
	if c.sound(at+".tls") && r.TLS == "implicit" && c.sound(at+".port") && !c.given(at+".port") {
		r.Port = portSubmissions
	}
	if r.TLS == "starttls" && r.Port == portSubmissions && c.given(at+".port") {
		c.warn("%s: port 465 speaks TLS from the first byte: tls is probably implicit, not starttls", at)
	}
	c.login(at, r)
	c.trust(at, r)
	c.limits(at, r)
	c.retry(at+".retry", r.Retry)
}

// login checks name, password and how they are shown to the relay. An empty
// name or password is none: a variable may leave it out.
func (c *checker) login(at string, r *Relay) {
	if !c.sound(at+".username") || !c.sound(at+".password") || !c.sound(at+".auth") {
		return
	}
	switch {
	case r.Username != "" && r.Password == "":
		c.complain(at+".username", "", "given without a password")
	case r.Username == "" && r.Password != "":
		c.complain(at+".password", "", "given without a username")
	case r.Auth == "xoauth2" && r.Password == "":
		c.complain(at+".auth", "", "xoauth2 needs a username, and the token as password")
	case r.Auth != "auto" && r.Password == "":
		c.complain(at+".auth", "", "%s needs a username and a password", r.Auth)
	}
	// SCRAM and CRAM-MD5 prove that we know the password, and don't send it.
	proves := r.Auth == "cram-md5" || strings.HasPrefix(r.Auth, "scram-")
	if c.sound(at+".tls") && c.given(at+".password") && r.TLS == "none" && r.Password != "" && !proves && !loopback(r.Host) {
		c.complain(at+".tls", "starttls or implicit", "none would send the password to %q in clear text", r.Host)
	}
}

// trust checks the certificates: those that we trust, and ours.
func (c *checker) trust(at string, r *Relay) {
	for key, file := range map[string]*string{"ca": &r.CA, "certificate": &r.Certificate, "key": &r.Key} {
		if *file == "" {
			continue
		}
		*file = c.path(*file)
		if path := at + "." + key; c.given(path) && c.sound(at+".tls") && r.TLS == "none" {
			c.complain(path, "", "without TLS (tls: none) there are no certificates")
		}
	}
	if path := at + ".ca"; c.given(path) && r.CA != "" {
		if pem, ok := c.file(path, r.CA, "file of certificates", false); ok && !x509.NewCertPool().AppendCertsFromPEM(pem) {
			c.complain(path, "it begins with -----BEGIN CERTIFICATE-----", "no certificate in PEM stands in %s", r.CA)
		}
	}
	switch path := at + ".certificate"; {
	case r.Certificate == "" && c.given(at+".key") && r.Key != "" && c.sound(path):
		c.complain(at+".key", "", "given without a certificate")
	case c.given(path) && r.Certificate != "" && c.sound(at+".key"):
		c.certificate(at, r)
	}
}

// certificate checks our certificate and its key, which may stand in one file.
func (c *checker) certificate(at string, r *Relay) {
	keyPath := at + ".key"
	if r.Key == "" {
		keyPath, r.Key = at+".certificate", r.Certificate
	}
	certificate, ok := c.file(at+".certificate", r.Certificate, "certificate", false)
	if !ok {
		return
	}
	key, ok := c.file(keyPath, r.Key, "key", true)
	if !ok {
		return
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		hint := ""
		if bytes.Contains(key, []byte("ENCRYPTED")) {
			hint = "the key is locked with a passphrase: store it without"
		} else if !bytes.Contains(key, []byte("PRIVATE KEY-----")) {
			hint = "key: names the file of the private key, if it stands in another one"
		}
		c.complain(at+".certificate", hint, "certificate and key don't serve: %s", strings.TrimPrefix(err.Error(), "tls: "))
		return
	}
	if pair.Leaf != nil && time.Now().After(pair.Leaf.NotAfter) {
		c.warn("%s: the certificate %s was valid until %s", at, r.Certificate, pair.Leaf.NotAfter.Format(time.DateOnly))
	}
}

// file reads a small file that a setting names, and warns if everybody can read
// a secret one.
func (c *checker) file(path, name, what string, secret bool) ([]byte, bool) {
	file, err := os.Open(name)
	if err != nil {
		why := err
		if pe, ok := errors.AsType[*os.PathError](err); ok {
			why = pe.Err
		}
		c.complain(path, "", "the %s cannot be read: %s: %v", what, name, why)
		return nil, false
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		c.complain(path, "", "no %s: %s", what, name)
		return nil, false
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		c.complain(path, "", "the %s cannot be read: %s: %v", what, name, err)
		return nil, false
	}
	if secret && readableByAll(info.Mode()) {
		c.warn("everybody on this machine can read the %s %s: chmod 600 %s", what, name, name)
	}
	return text, true
}

// limits checks how much the relay takes, and how fast.
func (c *checker) limits(at string, r *Relay) {
	c.count(at+".quota", r.Quota, "sends nothing; leave it out for no limit")
	c.count(at+".burst", r.Burst, "sends nothing; leave it out for an even pace")
	if path := at + ".burst"; c.given(path) && c.sound(at+".rate") {
		// What goes at once must not outweigh the rate itself.
		most, span := r.Rate.Count, map[time.Duration]string{time.Hour: "an hour", 24 * time.Hour: "a day"}[r.Rate.Per]
		if span == "" {
			span = "a minute"
			most *= int(time.Minute / max(r.Rate.Per, time.Second))
		}
		switch {
		case r.Rate.Count == 0:
			c.complain(path, "", "given without a rate")
		case int(r.Burst) > most:
			c.complain(path, "", "%d at once is more than rate lets through in %s (%d)", r.Burst, span, most)
		}
	}
	if path := at + ".warm_up"; r.WarmUp != nil && c.given(path+".first") && c.given(path+".last") {
		switch w := r.WarmUp; {
		case w.Last < w.First:
			c.complain(path+".last", "", "last (%d) is less than first (%d)", w.Last, w.First)
		case c.given(at+".quota") && int(r.Quota) < w.Last:
			c.warn("%s: warm_up grows to %d mails a day, but quota holds it at %d", at, w.Last, r.Quota)
		}
	}
	if path := at + ".idle"; c.given(path) && r.Idle < Duration(time.Second) {
		c.complain(path, "", "%s would close each connection at once: write 1s or more", r.Idle)
	}
	if path := at + ".lifetime"; c.given(path) && r.Lifetime > 0 && r.Lifetime < Duration(time.Second) {
		c.complain(path, "0 is no limit", "%s: a connection needs 1s or more", r.Lifetime)
	}
}

// count checks a number of mails that is given.
func (c *checker) count(path string, n Count, zero string) {
	switch {
	case !c.given(path):
	case n == 0:
		c.complain(path, "", "0 %s", zero)
	case n < 0 || n > mostMails:
		c.complain(path, "", "%d is not from 1 to %d", n, mostMails)
	}
}

func (c *checker) retry(at string, r Retry) {
	if !c.sound(at+".first") || !c.sound(at+".longest") || !c.sound(at+".give_up_after") {
		return
	}
	switch {
	case r.First <= 0:
		c.complain(at+".first", "", "0 would try again without a pause")
	case r.Longest < r.First:
		c.complain(c.oneGiven(at+".longest", at+".first"), "", "longest (%s) is shorter than first (%s)", r.Longest, r.First)
	case r.GiveUpAfter < r.First:
		c.complain(c.oneGiven(at+".give_up_after", at+".first"), "", "give_up_after (%s) is shorter than first (%s)", r.GiveUpAfter, r.First)
	}
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
