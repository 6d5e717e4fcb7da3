package fetch

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// readBody reads a body to its end or to its limit. The transport asks for
// gzip and takes it off while reading, so that the limit is of decompressed
// bytes and a bomb is left alone once it is reached. It goes to into, if there
// is one, else it is returned.
func readBody(resp *http.Response, limit int64, into io.Writer) ([]byte, error) {
	if coding := resp.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, fmt.Errorf("answered in the encoding %.20q, which nobody asked for", coding)
	}
	if !resp.Uncompressed && resp.ContentLength > limit {
		return nil, fmt.Errorf("%w: %s, and the limit is %s", ErrTooLarge, size(resp.ContentLength), size(limit))
	}
	var kept bytes.Buffer
	if into == nil {
		into = &kept
	}
	n, err := io.Copy(into, io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, fmt.Errorf("%w: more than %s", ErrTooLarge, size(limit))
	}
	return kept.Bytes(), nil
}

func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d kB", (n+1023)>>10)
	}
	return fmt.Sprintf("%.4g MB", float64(n)/(1<<20))
}
