package source

import (
	"context"
	"time"
)

// Cache keeps feeds between runs, for conditional requests.
type Cache interface {
	// Feed returns what was kept of an address; a zero Cached when nothing was.
	Feed(ctx context.Context, url string) (Cached, error)
	SaveFeed(ctx context.Context, url string, c Cached) error
}

// Cached is a feed as it was last read.
type Cached struct {
	ETag         string
	LastModified string // as the server wrote it
	Type         string // Content-Type
	Body         []byte
	Fetched      time.Time
}
