package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"

	"lede/audience"
)

// call is one request that is worked on.
type call struct {
	*API
	ctx   context.Context
	r     *http.Request
	now   time.Time
	token Token
	query url.Values
	body  []byte
	file  string // in which the body is, of a route that takes files
	hash  string // SHA-256 of the body, in hexadecimal

	counted *countedLists
}

// close removes the file of the body.
func (c *call) close() {
	if c.file != "" {
		if err := os.Remove(c.file); err != nil {
			c.Log.Warn("api", "err", err)
		}
	}
}

// way is how something came about that the token's program asked for.
func (c *call) way() string { return "API, " + c.token.Name }

// readQuery reads the query: only parameters that are known, each once.
func (c *call) readQuery(known []string) (err error) {
	if c.query, err = url.ParseQuery(c.r.URL.RawQuery); err != nil {
		return wrong("", "the query can't be read: "+err.Error())
	}
	for name, values := range c.query {
		if !slices.Contains(known, name) {
			return wrong(fmt.Sprintf("%.60s", name), "there is no such parameter here")
		}
		if len(values) > 1 {
			return wrong(name, "stands more than once")
		}
	}
	return nil
}

// readBody reads the body: a short one into memory, a file into a temporary one.
func (c *call) readBody(w http.ResponseWriter, file bool) error {
	if c.r.Method == http.MethodGet || c.r.Method == http.MethodHead {
		return nil
	}
	most := int64(maxBody)
	var out bytes.Buffer
	sum := sha256.New()
	into := io.MultiWriter(&out, sum)
	if file {
		most = maxImport
		// A long file on a slow line takes longer than other requests may.
		rc := http.NewResponseController(w)
		for _, set := range []func(time.Time) error{rc.SetReadDeadline, rc.SetWriteDeadline} {
			if err := set(time.Now().Add(staleAfter / 2)); err != nil && !errors.Is(err, http.ErrNotSupported) {
				return err
			}
		}
		f, err := os.CreateTemp("", "lede-api-")
		if err != nil {
			return err
		}
		defer f.Close()
		c.file = f.Name()
		into = io.MultiWriter(f, sum)
	}
	_, err := io.Copy(into, http.MaxBytesReader(w, c.r.Body, most))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return &problem{Status: http.StatusRequestEntityTooLarge, Code: "too_long", Detail: fmt.Sprintf("the body is longer than %d bytes", most)}
	}
	if err != nil {
		return wrong("", "the body broke off")
	}
	c.body, c.hash = out.Bytes(), hex.EncodeToString(sum.Sum(nil))
	return nil
}

// contentType checks what the body is.
func (c *call) contentType(allowed ...string) (string, error) {
	t, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err == nil && slices.Contains(allowed, t) {
		return t, nil
	}
	return "", &problem{Status: http.StatusUnsupportedMediaType, Code: "type", Field: "Content-Type", Detail: fmt.Sprintf("expected %s", allowed)}
}

// decode reads the body, one JSON object with known members; an empty body is
// an empty object where it may be.
func (c *call) decode(into any, mayBeEmpty bool) error {
	if len(c.body) == 0 && mayBeEmpty {
		return nil
	}
	types := []string{"application/json"}
	if c.r.Method == http.MethodPatch {
		types = []string{"application/merge-patch+json", "application/json"}
	}
	if _, err := c.contentType(types...); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(c.body))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something stands behind the object")
		}
	}
	if err == nil && bytes.HasPrefix(bytes.TrimSpace(c.body), []byte("null")) {
		err = errors.New("expected an object")
	}
	if err == nil {
		return nil
	}
	field := ""
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field = kind.Field
	}
	return wrong(field, "the body is not the JSON that is expected: "+err.Error())
}

// person reads the address of the path.
func (c *call) person() (address, key string, err error) {
	address, key, _, err = audience.ParseAddress(c.r.PathValue("address"))
	if err != nil {
		return "", "", wrong("address", err.Error())
	}
	return address, key, nil
}

// id reads the number of the path.
func (c *call) id() (int64, error) {
	id, err := strconv.ParseInt(c.r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, audience.ErrNoImport
	}
	return id, nil
}

// Pages have so many entries unless told otherwise, and at most.
const (
	pageLimit    = 50
	maxPageLimit = 200
)

// limit is how many entries are wanted.
func (c *call) limit() (int, error) {
	text := c.query.Get("limit")
	if text == "" {
		return pageLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPageLimit {
		return 0, wrong("limit", fmt.Sprintf("expected a number from 1 to %d", maxPageLimit))
	}
	return n, nil
}

// after is the id at which the page before ended: 0 without a cursor.
func (c *call) after() (int64, error) {
	text := c.query.Get("cursor")
	if text == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != 16 || !bytes.Equal(raw[8:], c.mark()) {
		return 0, wrong("cursor", "the cursor is not one of this query's")
	}
	id := int64(binary.BigEndian.Uint64(raw)) //nolint:gosec // it was one
	if id < 1 {
		return 0, wrong("cursor", "the cursor is not one of this query's")
	}
	return id, nil
}

// cursor leads behind the entry with an id.
func (c *call) cursor(id int64) string {
	return base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(id)), c.mark()...)) //nolint:gosec // ids are positive
}

// mark ties a cursor to its query.
func (c *call) mark() []byte {
	of := url.Values{}
	for name, values := range c.query {
		if name != "cursor" && name != "limit" {
			of[name] = values
		}
	}
	sum := sha256.Sum256([]byte(c.r.URL.Path + "?" + of.Encode()))
	return sum[:8]
}

// page is one page of a list.
type page struct {
	Data any    `json:"data"`
	Next string `json:"next,omitempty"` // cursor of the next page
}
