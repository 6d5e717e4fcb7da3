package newsroom

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"lede/compose"
	"lede/compose/lint"
	"lede/send"
	"lede/source"
	"lede/templates"
)

// picturesInline is the Newsletter.Pictures whose mails carry their pictures.
const picturesInline = "inline"

// pictures reads the lead's picture, and those of the briefs whose sections show
// them, at the width that the theme shows them in, and names them in the input.
// One that can't be had is left out of the letter; why is the error, of the lead's.
func (r *Room) pictures(ctx context.Context, n Newsletter, e compose.Edition, in *compose.Input) (all []source.Picture, missing error) {
	if e.Lead != nil {
		p, err := r.pictureOf(ctx, n, e.Lead.Source, e.Lead.Key, in)
		all, missing = append(all, p...), err
	}
	for _, section := range e.Sections {
		for _, b := range section.Briefs {
			if b.Pictured {
				p, _ := r.pictureOf(ctx, n, b.Source, b.Key, in) // it was said
				all = append(all, p...)
			}
		}
	}
	return all, missing
}

// pictureOf reads the picture of a story, none for a story without one.
func (r *Room) pictureOf(ctx context.Context, n Newsletter, of, key string, in *compose.Input) ([]source.Picture, error) {
	story, ok := find(in.Readings, of, key)
	if !ok || story.Image == nil {
		return nil, nil
	}
	image := *story.Image
	if theme, err := r.theme(n); err == nil { // else rendering says so
		image.Shown = theme.Look.PictureWidth
	}
	i := slices.IndexFunc(n.Sources, func(s source.Spec) bool { return s.ID == of })
	p, err := r.Gatherer.Picture(ctx, n.Sources[i], image)
	if err != nil {
		r.Log.Warn("picture left out", "newsletter", n.ID, "story", story.Title, "err", err)
		return nil, err
	}
	name := story.Image.URL
	if name == "" {
		name = story.Source + "\x00" + story.Image.Path
	}
	in.Pictures[name] = compose.Picture{Name: p.Name, Width: p.Width, Height: p.Height}
	return []source.Picture{p}, nil
}

// theme is the newsletter's theme.
func (r *Room) theme(n Newsletter) (*templates.Theme, error) {
	if r.Theme != nil {
		return r.Theme(n)
	}
	return templates.Load(n.Recipe.Theme, n.ThemeDir, n.Tokens)
}

// weigh tells lint what a draft's pictures weigh, whether they go within each
// mail, and why one is missing.
func weigh(f *lint.Facts, n Newsletter, pictures []source.Picture, missing error) {
	f.Carried = n.Pictures == picturesInline
	f.Pictures = map[string]int64{}
	for _, p := range pictures {
		f.Pictures[n.Recipe.BaseURL+"/p/"+p.Name] = int64(len(p.Data))
	}
	if missing != nil {
		f.NoPicture = missing.Error()
	}
}

// Carrying is the newsletter's sender with the pictures that go within the mails
// of these letters: those of drafted, which may not be stored yet, and else the
// store's. One that is gone is linked to, and said. Where pictures are links it
// is the newsletter's sender as it is.
func (r *Room) Carrying(ctx context.Context, n Newsletter, drafted []source.Picture, letters ...compose.Letter) (send.Sender, error) {
	sender := n.Sender
	if n.Pictures != picturesInline {
		return sender, nil
	}
	var names []string
	for _, l := range letters {
		for _, name := range send.PicturesOf(l, sender.BaseURL) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	sender.Pictures = nil
	for _, name := range names {
		p, err := r.picture(ctx, name, drafted)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			r.Log.Warn("a picture is not there to go within the mail; it is linked to", "newsletter", n.ID, "picture", name)
			continue
		case err != nil:
			return sender, fmt.Errorf("reading picture %s: %w", name, err)
		}
		sender.Pictures = append(sender.Pictures, send.Picture{Name: p.Name, Type: p.Type, Data: p.Data})
	}
	return sender, nil
}

func (r *Room) picture(ctx context.Context, name string, drafted []source.Picture) (source.Picture, error) {
	for _, p := range drafted {
		if p.Name == name {
			return p, nil
		}
	}
	return r.Pictures.Picture(ctx, name)
}
