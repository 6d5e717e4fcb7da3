package newsroom_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lede/compose"
	"lede/compose/lint"
	"lede/newsroom"
	"lede/send"
	"lede/source"
)

// shelf is pictures by name; one of the name "broken" can't be read.
type shelf map[string]string

func (s shelf) SavePicture(context.Context, source.Picture) error { return nil }

func (s shelf) Picture(_ context.Context, name string) (source.Picture, error) {
	switch data, ok := s[name]; {
	case name == "broken.png":
		return source.Picture{}, errors.New("the disk is gone")
	case ok:
		return source.Picture{Name: name, Type: "image/png", Data: []byte(data)}, nil
	}
	return source.Picture{}, fmt.Errorf("picture %s: %w", name, fs.ErrNotExist)
}

// The pictures that go within the mails are those that the letters show, of the
// draft or of the store; what is gone is said and stays a link.
func TestCarrying(t *testing.T) {
	const base = "https://news.example.org"
	shows := func(names ...string) compose.Letter {
		var l compose.Letter
		for _, name := range names {
			l.HTML += `<img src="` + base + `/p/` + name + `" alt="">`
		}
		return l
	}
	drafted := []source.Picture{{Name: "new.jpg", Type: "image/jpeg", Data: []byte("drafted")}}
	for _, test := range []struct {
		name, pictures string
		letters        []compose.Letter
		want           string // names with their bytes
		says, fails    string
	}{
		{"linked", "link", []compose.Letter{shows("pier.png")}, "", "", ""},
		{"nothing said", "", []compose.Letter{shows("pier.png")}, "", "", ""},
		{"of store and draft, each once", "inline", []compose.Letter{shows("pier.png", "new.jpg"), shows("new.jpg", "boat.png")}, "pier.png=stored new.jpg=drafted boat.png=too", "", ""},
		{"none shown", "inline", []compose.Letter{{HTML: `<img src="https://else.example/p/pier.png">`}}, "", "", ""},
		{"one is gone", "inline", []compose.Letter{shows("gone.png", "pier.png")}, "pier.png=stored", "gone.png", ""},
		{"the store fails", "inline", []compose.Letter{shows("broken.png")}, "", "", "the disk is gone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			r := &newsroom.Room{Pictures: shelf{"pier.png": "stored", "boat.png": "too", "new.jpg": "old"}, Log: slog.New(slog.NewTextHandler(&log, nil))}
			n := newsroom.Newsletter{ID: "harbour", Pictures: test.pictures, Sender: send.Sender{BaseURL: base}}
			sender, err := r.Carrying(t.Context(), n, drafted, test.letters...)
			if (err != nil) != (test.fails != "") || err != nil && !strings.Contains(err.Error(), test.fails) {
				t.Fatal(err)
			}
			var got []string
			for _, p := range sender.Pictures {
				got = append(got, p.Name+"="+string(p.Data))
			}
			if strings.Join(got, " ") != test.want || n.Sender.Pictures != nil {
				t.Errorf("%v, want %s", got, test.want)
			}
			if !strings.Contains(log.String(), test.says) || test.says == "" && log.Len() > 0 {
				t.Errorf("the log says %q", log.String())
			}
		})
	}
}

// asked notes the pictures that are asked for.
type asked struct {
	wire
	images []source.Image
}

func (a *asked) Picture(_ context.Context, _ source.Spec, img source.Image) (source.Picture, error) {
	a.images = append(a.images, img)
	return source.Picture{}, errors.New("is a web page, not a picture")
}

// The lead's picture is asked for at the width in which the theme shows it, and
// one that is none is said.
func TestPictureOfADraft(t *testing.T) {
	d := newDesk(t, filepath.Join(t.TempDir(), "lede.db"), "", "UTC")
	stories := d.Gatherer.(wire)
	a := &asked{wire: func(now time.Time) []source.Story {
		all := stories(now)
		for i := range all {
			all[i].Image = &source.Image{URL: "https://example.org/pier.jpg"}
		}
		return all
	}}
	d.Gatherer = a
	draft, err := d.Draft(t.Context(), d.n, newsroom.Order{Slot: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.images) != 1 || a.images[0].Shown != 536 {
		t.Errorf("asked for %+v", a.images)
	}
	if !slices.ContainsFunc(draft.Findings, func(f lint.Finding) bool {
		return f.Rule == "picture-missing" && strings.Contains(f.Message, "is a web page")
	}) {
		t.Errorf("findings: %+v", draft.Findings)
	}
}
