package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// mostProbed is how much of a body a probe reads to learn its size, where the
// server doesn't say it.
const mostProbed = 4 << 20

// Probed is what a probe learned.
type Probed struct {
	Status int    // of the last answer
	URL    string // after redirects, without credentials
	Bytes  int64  // of what is there; 0: not known
}

// Probe asks whether a public page is there, following at most five redirects:
// by HEAD, and by GET where HEAD gets anything but success. An answer of any
// status is no error. The guard holds as for Get, without its exceptions.
func (c *Client) Probe(ctx context.Context, address string) (Probed, error) {
	return c.probe(ctx, address, false)
}

// probe lets tests ask servers on loopback.
func (c *Client) probe(ctx context.Context, address string, private bool) (Probed, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, errSlow{c.timeout})
	defer cancel()
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return Probed{}, fmt.Errorf("%q is not an address", Redact(address))
	}
	for range maxRedirects + 1 {
		if err := checkURL(u); err != nil {
			return Probed{}, fmt.Errorf("%s: %w", show(u), err)
		}
		found, next, err := c.look(ctx, u, http.MethodHead, private)
		if err != nil || next == nil && found.Status >= 300 {
			// Some servers know no HEAD, some close the connection on it.
			found, next, err = c.look(ctx, u, http.MethodGet, private)
		}
		if err != nil {
			return Probed{}, fmt.Errorf("%s: %w", show(u), explain(ctx, err))
		}
		if next == nil {
			return found, nil
		}
		u = next
	}
	return Probed{}, fmt.Errorf("%s: more than %d redirects", Redact(address), maxRedirects)
}

// look makes one request of a probe.
func (c *Client) look(ctx context.Context, u *url.URL, method string, private bool) (Probed, *url.URL, error) {
	leave, err := c.polite.enter(ctx, u.Host)
	if err != nil {
		return Probed{}, nil, err
	}
	defer leave()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return Probed{}, nil, err
	}
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Accept", "*/*")
	client := c.guarded
	if private {
		client = c.open
	}
	resp, err := client.Do(req)
	if err != nil {
		return Probed{}, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 && resp.StatusCode < 400 && resp.Header.Get("Location") != "" {
		next, err := redirect(u, resp.Header.Get("Location"))
		return Probed{Status: resp.StatusCode}, next, err
	}
	refusal := StatusError{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header, time.Now())}
	if refusal.RetryAfter > 0 && refusal.busy() {
		c.polite.hold(u.Host, time.Now().Add(min(refusal.RetryAfter, longestWait)))
	}
	found := Probed{Status: resp.StatusCode, URL: bare(u), Bytes: max(0, resp.ContentLength)}
	if method == http.MethodGet && found.Bytes == 0 {
		// What does not end in time or size has no known size.
		if n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, mostProbed+1)); err == nil {
			found.Bytes = n
		}
	}
	return found, nil, nil
}
