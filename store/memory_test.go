package store_test

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lede/source"
)

func TestFeeds(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		const url = "https://averne.example/feed.xml"
		for _, want := range []source.Cached{
			{},
			{ETag: `"a"`, LastModified: "Mon, 01 Mar 2027 06:00:00 GMT", Type: "application/rss+xml", Body: []byte("<rss>\x00\xff"), Fetched: now},
			{Body: []byte{}},
		} {
			if want.Body != nil {
				must(t, s.SaveFeed(ctx(), url, want))
			}
			got, err := s.Feed(ctx(), url)
			must(t, err)
			if len(got.Body) == 0 {
				got.Body = want.Body
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
		must(t, s.SaveFeed(ctx(), "https://averne.example/empty.xml", source.Cached{}))
	})
}

func TestPictures(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		want := source.Picture{Name: "3fa9.png", Type: "image/png", Width: 600, Height: 400, Data: []byte("\x89PNG\x00")}
		if _, err := s.Picture(ctx(), want.Name); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		must(t, s.SavePicture(ctx(), want))
		must(t, s.SavePicture(ctx(), want))
		got, err := s.Picture(ctx(), want.Name)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAgenda(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		for _, want := range []time.Time{{}, now, now.Add(time.Hour)} {
			if !want.IsZero() {
				must(t, s.Looked(ctx(), "harbour", want))
			}
			got, err := s.LastLooked(ctx(), "harbour")
			must(t, err)
			if !got.Equal(want) {
				t.Errorf("%s, want %s", got, want)
			}
		}
	})
}
