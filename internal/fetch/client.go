// Package fetch is the one HTTP client through which everything from outside
// is read: feeds, pictures, articles, webhooks.
//
// No request leaves for an address that is not public unless its caller says
// so, and none can be led there by a name that resolves differently the second
// time, by a redirect or by an unusual spelling: the guard looks at the address
// that is dialled. Every request ends: by its size, by its time, or by the
// fifth redirect.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"code.dny.dev/ssrf"
)

const (
	// DefaultTimeout bounds a request from the look-up of its first name to
	// the last byte of its body.
	DefaultTimeout = 20 * time.Second
	// DefaultMaxBytes bounds a body after decompression.
	DefaultMaxBytes = 10 << 20
	// DefaultPerHost is how many requests go to one host at a time.
	DefaultPerHost = 2

	maxRedirects   = 5
	connectTimeout = 10 * time.Second
	headerTimeout  = 15 * time.Second
	maxHeaderBytes = 64 << 10
	// A server that asks for more patience than this is asked again anyway.
	longestWait = time.Hour
)

// Options say how a Client behaves. The zero value is good.
type Options struct {
	// UserAgent is sent as it is; empty: made of Version and About.
	UserAgent string
	Version   string        // of this program, for the User-Agent; empty: "dev"
	About     string        // URL that says who is asking, for the User-Agent; may be empty
	Timeout   time.Duration // of a whole request; 0: DefaultTimeout
	MaxBytes  int64         // of a body after decompression; 0: DefaultMaxBytes
	PerHost   int           // requests to one host at a time; 0: DefaultPerHost
}

// Client makes guarded requests. It is safe for concurrent use and keeps
// connections open between requests; it holds no cookies and uses no proxy,
// since a proxy would dial in the guard's place.
type Client struct {
	userAgent string
	timeout   time.Duration
	maxBytes  int64
	guard     *ssrf.Guardian
	polite    *polite
	// Connections of the two are never shared: one that was opened for a
	// private source must not carry a guarded request.
	guarded, open *http.Client
}

// GetOptions belong to one request.
type GetOptions struct {
	// Private allows private, loopback and link-local addresses and any port
	// for this request. A redirect keeps the allowance only as long as it
	// comes from such an address: what is public never leads inside.
	Private      bool
	ETag         string // sent as If-None-Match
	LastModified string // sent as If-Modified-Since, as the server wrote it
	MaxBytes     int64  // instead of the client's
	Accept       string // the Accept header; empty: */*
	// Authorization is sent as the header of that name, to the address itself
	// and where it redirects to on the same scheme, host and port.
	Authorization string
	// Into gets the body, which is then not kept in memory; nil: Response.Body.
	// With an error it may have got a part.
	Into io.Writer
}

// Response is a page that was read whole, or the news that it did not change.
type Response struct {
	Status      int
	URL         string // after redirects, without credentials
	Header      http.Header
	Body        []byte // decompressed; empty when NotModified
	NotModified bool   // 304: what the caller kept still holds
}

// New returns a client.
func New(o Options) *Client {
	return newClient(o, nil)
}

// newClient lets tests bring their own names and their own idea of public.
func newClient(o Options, resolver *net.Resolver, guard ...ssrf.Option) *Client {
	c := &Client{
		userAgent: o.UserAgent,
		timeout:   orElse(o.Timeout, DefaultTimeout),
		maxBytes:  orElse(o.MaxBytes, DefaultMaxBytes),
		guard:     ssrf.New(guard...),
		polite:    newPolite(orElse(o.PerHost, DefaultPerHost)),
	}
	if c.userAgent == "" {
		c.userAgent = userAgent(orElse(o.Version, "dev"), o.About)
	}
	c.guarded = httpClient(&net.Dialer{Timeout: connectTimeout, Resolver: resolver, Control: c.guard.Safe})
	c.open = httpClient(&net.Dialer{Timeout: connectTimeout, Resolver: resolver})
	return c
}

func httpClient(d *net.Dialer) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil, // not ProxyFromEnvironment: see Client
			DialContext:            d.DialContext,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    connectTimeout,
			ResponseHeaderTimeout:  headerTimeout,
			MaxResponseHeaderBytes: maxHeaderBytes,
			MaxIdleConns:           32,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func userAgent(version, about string) string {
	if about == "" {
		return "Lede/" + version + " (newsletter)"
	}
	return "Lede/" + version + " (+" + about + ")"
}

// Get reads a page, following at most five redirects. Errors are one line,
// name the address without credentials and query, and wrap ErrRefused,
// ErrTooLarge or a *StatusError where a caller may want to tell them apart.
func (c *Client) Get(ctx context.Context, address string, o GetOptions) (*Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, errSlow{c.timeout})
	defer cancel()
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return nil, fmt.Errorf("%q is not an address", Redact(address))
	}
	private := o.Private
	for range maxRedirects + 1 {
		if err := checkURL(u); err != nil {
			return nil, fmt.Errorf("%s: %w", show(u), err)
		}
		r, next, inside, err := c.hop(ctx, u, private, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", show(u), explain(ctx, err))
		}
		if next == nil {
			return r, nil
		}
		if next.Scheme != u.Scheme || !strings.EqualFold(next.Host, u.Host) {
			o.Authorization = ""
		}
		u, private = next, private && inside
	}
	return nil, fmt.Errorf("%s: more than %d redirects", Redact(address), maxRedirects)
}

// hop makes one request. It returns either the answer or where to go on, and
// whether the request went to an address that is not public.
func (c *Client) hop(ctx context.Context, u *url.URL, private bool, o GetOptions) (r *Response, next *url.URL, inside bool, err error) {
	leave, err := c.polite.enter(ctx, u.Host)
	if err != nil {
		return nil, nil, false, err
	}
	defer leave()

	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		inside = c.inside(i.Conn.RemoteAddr())
	}}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, nil, false, err
	}
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Accept", orElse(o.Accept, "*/*"))
	if o.Authorization != "" {
		req.Header.Set("Authorization", o.Authorization)
	}
	if o.ETag != "" {
		req.Header.Set("If-None-Match", o.ETag)
	}
	if o.LastModified != "" {
		req.Header.Set("If-Modified-Since", o.LastModified)
	}
	client := c.guarded
	if private {
		client = c.open
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, false, err
	}
	defer resp.Body.Close()

	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		next, err := redirect(u, resp.Header.Get("Location"))
		return nil, next, inside, err
	case http.StatusNotModified:
		if o.ETag == "" && o.LastModified == "" {
			return nil, nil, false, errors.New("answered 304 Not Modified to a request that set no condition")
		}
		return &Response{Status: resp.StatusCode, URL: bare(u), Header: resp.Header, NotModified: true}, nil, inside, nil
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		refusal := &StatusError{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header, time.Now())}
		if refusal.RetryAfter > 0 && refusal.busy() {
			c.polite.hold(u.Host, time.Now().Add(min(refusal.RetryAfter, longestWait)))
		}
		return nil, nil, false, refusal
	}
	body, err := readBody(resp, orElse(o.MaxBytes, c.maxBytes), o.Into)
	if err != nil {
		return nil, nil, false, err
	}
	return &Response{Status: resp.StatusCode, URL: bare(u), Header: resp.Header, Body: body}, nil, inside, nil
}

// inside says whether an address is one that the guard would refuse.
func (c *Client) inside(a net.Addr) bool {
	ap, err := netip.ParseAddrPort(a.String())
	return err == nil && c.guard.SafeAddr(ap.Addr().Unmap()) != nil
}

// redirect resolves a Location. Credentials go on to the same scheme, host and
// port only.
func redirect(from *url.URL, location string) (*url.URL, error) {
	if location == "" {
		return nil, errors.New("redirects to nowhere")
	}
	to, err := from.Parse(location)
	if err != nil {
		return nil, errors.New("redirects to something that is not an address")
	}
	to.User = nil
	if to.Scheme == from.Scheme && strings.EqualFold(to.Host, from.Host) {
		to.User = from.User
	}
	to.Fragment = ""
	return to, nil
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
