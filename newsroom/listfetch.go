package newsroom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"time"

	"lede/internal/fetch"
)

// URLSource is a file of people at an https address.
type URLSource struct {
	URL           string
	Authorization string // the header of that name; empty: none
	Private       bool   // the address may be on this machine or network
	MaxBytes      int64
	Client        *fetch.Client
}

// Where implements PeopleSource.
func (u *URLSource) Where() string { return fetch.Redact(u.URL) }

// errSame ends a fetch whose answer is that nothing changed.
var errSame = errors.New("not modified")

// Take implements PeopleSource. The file is not asked for again where its
// server says that it is the one that was taken.
func (u *URLSource) Take(ctx context.Context, _ string, state ListState, _ bool) ([]Catch, error) {
	name := "list"
	if parsed, err := url.Parse(u.URL); err == nil {
		if base := path.Base(parsed.Path); base != "/" && base != "." {
			name = base
		}
	}
	c := Catch{Name: name}
	var err error
	c.File, c.Close, err = spooled(name, func(out io.Writer) error {
		res, err := u.Client.Get(ctx, u.URL, fetch.GetOptions{
			Private: u.Private, ETag: state.ETag, LastModified: state.LastModified, MaxBytes: u.MaxBytes,
			Authorization: u.Authorization, Into: out,
		})
		if err != nil {
			return err
		}
		if res.NotModified {
			return errSame
		}
		c.ETag, c.LastModified = res.Header.Get("ETag"), res.Header.Get("Last-Modified")
		return nil
	})
	if errors.Is(err, errSame) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []Catch{c}, nil
}

// SQLSource is a query to another database.
type SQLSource struct {
	Database string // for people, without a password
	// Rows writes the rows of the query as CSV, its columns' names first.
	Rows    func(ctx context.Context, out io.Writer) error
	Timeout time.Duration
}

// Where implements PeopleSource.
func (s *SQLSource) Where() string { return s.Database }

// Take implements PeopleSource.
func (s *SQLSource) Take(ctx context.Context, _ string, _ ListState, _ bool) ([]Catch, error) {
	late := fmt.Errorf("the query took longer than %s (source.timeout)", Span(s.Timeout))
	ctx, cancel := context.WithTimeoutCause(ctx, s.Timeout, late)
	defer cancel()
	c := Catch{Name: s.Database}
	var err error
	c.File, c.Close, err = spooled(c.Name, func(out io.Writer) error { return s.Rows(ctx, out) })
	if err != nil {
		if errors.Is(context.Cause(ctx), late) {
			err = late
		}
		return nil, err
	}
	return []Catch{c}, nil
}
