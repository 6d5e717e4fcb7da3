package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"lede/audience"
	"lede/internal/config"
	"lede/internal/fetch"
	"lede/newsroom"
	"lede/web"
)

// signUps is the newsroom as the pages know it: newsletters by their ids.
type signUps struct {
	*newsroom.Room
	newsletters []newsroom.Newsletter
}

func (s signUps) newsletter(id string) (newsroom.Newsletter, error) {
	for _, n := range s.newsletters {
		if n.ID == id {
			return n, nil
		}
	}
	return newsroom.Newsletter{}, fmt.Errorf("no newsletter %q", id)
}

// SignUp implements web.SignUps.
func (s signUps) SignUp(ctx context.Context, newsletter string, u audience.SignUp) error {
	n, err := s.newsletter(newsletter)
	if err != nil {
		return err
	}
	return s.Room.SignUp(ctx, n, u)
}

// SendLink implements web.SignUps.
func (s signUps) SendLink(ctx context.Context, address string) error {
	return s.Room.SendLink(ctx, s.newsletters, address)
}

// openSignUps lets people sign up on the pages of the newsletters that are open.
func (h *house) openSignUps(site *web.Site) {
	if h.room.SignUps == nil {
		return
	}
	site.SignUps = signUps{h.room, h.newsletters}
	for _, network := range h.cfg.TrustedProxies {
		if prefix, err := config.ParseNetwork(network); err == nil { // the configuration was checked
			site.Proxies = append(site.Proxies, prefix)
		}
	}
	for i, c := range h.cfg.Newsletters {
		if !c.SignUp.Open || i >= len(site.Newsletters) {
			continue
		}
		site.Newsletters[i].SignUp = &web.SignUp{
			Title: c.SignUp.Title, Text: c.SignUp.Text, Agreement: c.SignUp.Agreement, AtOnce: !c.SignUp.DoubleOptIn,
			Good: time.Duration(c.SignUp.TokenLife), Origins: c.SignUp.Origins,
			ProofOfWork: c.SignUp.ProofOfWork, Captcha: captchaOf(h.cfg.BaseURL, c.SignUp.Captcha),
		}
	}
}

// captchaOf is the captcha of a newsletter's form; nil for none.
func captchaOf(about string, c config.Captcha) *web.Captcha {
	p, known := newsroom.CaptchaProviders()[c.Provider]
	if !known {
		return nil
	}
	asked := &newsroom.Captcha{
		URL: cmp.Or(string(c.VerifyURL), p.Verify), Secret: string(c.Secret), Private: c.Private && c.VerifyURL != "",
		Client: fetch.New(fetch.Options{Version: version, About: about}),
	}
	widget := &web.Captcha{
		Script: p.Script, Class: p.Class, Field: p.Field, SiteKey: c.SiteKey,
		Scripts: p.Scripts, Frames: p.Frames, Styles: p.Styles, Calls: p.Calls,
		Check: asked.Check, TakeWhenDown: c.WhenDown == "accept",
	}
	if c.ScriptURL != "" {
		from := web.Origin(c.ScriptURL)
		widget.Script = c.ScriptURL
		widget.Scripts, widget.Frames, widget.Styles, widget.Calls = []string{from}, []string{from}, []string{from}, []string{from}
	}
	return widget
}
