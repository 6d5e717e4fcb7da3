package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// mostAnswered is how much of the answer to a Post is read.
const mostAnswered = 4 << 10

// PostOptions belong to one Post.
type PostOptions struct {
	// Private allows private, loopback and link-local addresses and any port.
	Private bool
	Header  http.Header   // sent beside our own; Content-Type for one
	Timeout time.Duration // of the whole request; 0: the client's
}

// Answer is what came back for a Post.
type Answer struct {
	Status     int
	Body       []byte        // its beginning, decompressed, at most 4 KiB
	RetryAfter time.Duration // what the server asked for; 0 when it asked for nothing
}

// Post sends a body to an address. It follows no redirect: a signed body goes to
// the address that was written down and nowhere else, so a redirect is an
// answer like any other. An answer of any status is no error, and of a long one
// only the beginning is read. The guard holds as for Get. Errors are one line
// and name the address without credentials and query.
func (c *Client) Post(ctx context.Context, address string, body []byte, o PostOptions) (*Answer, error) {
	timeout := orElse(o.Timeout, c.timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errSlow{timeout})
	defer cancel()
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return nil, fmt.Errorf("%q is not an address", Redact(address))
	}
	if err := checkURL(u); err != nil {
		return nil, fmt.Errorf("%s: %w", show(u), err)
	}
	answer, err := c.post(ctx, u, body, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", show(u), explain(ctx, err))
	}
	return answer, nil
}

func (c *Client) post(ctx context.Context, u *url.URL, body []byte, o PostOptions) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	// The transport would send the same again by itself when a connection that
	// it kept turns out to be closed; how often is the caller's to know.
	req.GetBody = nil
	for name, values := range o.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("User-Agent", c.userAgent)
	client := c.guarded
	if o.Private {
		client = c.open
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer := &Answer{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header, time.Now())}
	// The status is the answer: a body that breaks off or does not end changes
	// nothing of it, but that of a server that hangs is a time-out.
	answer.Body, err = io.ReadAll(io.LimitReader(resp.Body, mostAnswered))
	if err != nil && (ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded)) {
		return nil, err
	}
	return answer, nil
}
