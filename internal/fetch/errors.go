package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

var (
	// ErrRefused is that the guard did not let the request out.
	ErrRefused = errors.New("not a public web address")
	// ErrTooLarge is a body larger than its limit.
	ErrTooLarge = errors.New("too large")
)

// StatusError is an answer that is neither the page nor a redirect.
type StatusError struct {
	Status     int
	RetryAfter time.Duration // what the server asked for; 0 when it asked for nothing
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("answered %d", e.Status)
	if text := http.StatusText(e.Status); text != "" {
		s += " " + text
	}
	if e.RetryAfter > 0 && e.busy() {
		s += fmt.Sprintf(" and asks to be left alone for %s", e.RetryAfter.Round(time.Second))
	}
	return s
}

// busy: the two answers with which Retry-After holds for the whole host.
func (e *StatusError) busy() bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable
}

// errSlow is why a request ended at the client's own time-out.
type errSlow struct{ after time.Duration }

func (e errSlow) Error() string { return fmt.Sprintf("no whole answer within %s", e.after) }

// Timeout makes it a time-out for whoever asks.
func (e errSlow) Timeout() bool { return true }

// explain turns what the transport says into a line for people.
func explain(ctx context.Context, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // its text repeats the address
	}
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, context.DeadlineExceeded) {
			return fmt.Errorf("no whole answer in time: %w", cause)
		}
		return cause
	}
	var (
		dns     *net.DNSError
		timeout net.Error
		opErr   *net.OpError
		verify  *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		unknown x509.UnknownAuthorityError
	)
	switch {
	case errors.Is(err, ssrf.ErrProhibitedPort):
		return fmt.Errorf("%w: only the ports 80 and 443 are asked, unless the source says private: true", ErrRefused)
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrInvalidHostPort):
		return fmt.Errorf("%w: it leads to a private or reserved address; a source inside your network needs private: true", ErrRefused)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("no such host: %s", dns.Name)
	case errors.As(err, &dns):
		return fmt.Errorf("the name %s could not be looked up: %s", dns.Name, dns.Err)
	case errors.As(err, &unknown):
		return errors.New("its certificate is signed by an unknown authority")
	case errors.As(err, &verify):
		return fmt.Errorf("its certificate is not valid: %w", verify.Err)
	case errors.As(err, &record):
		return errors.New("does not speak TLS; perhaps the address is http://")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("refused the connection")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return errors.New("closed the connection in the middle of its answer")
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("did not answer in time")
	case errors.As(err, &opErr):
		return opErr.Err
	}
	return err
}

// retryAfter reads the Retry-After header (RFC 9110, 10.2.3): seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(s) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}
