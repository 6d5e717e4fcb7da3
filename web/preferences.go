package web

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"time"

	"lede/audience"
)

// Choices keeps what readers decide about themselves; see audience.Choosing,
// audience.Archive and audience.SignUps.
type Choices interface {
	audience.Choosing
	WriteMail(ctx context.Context, m audience.Outgoing, most int) (bool, error)
	NoteAct(ctx context.Context, id int64, act audience.Act) error
	Forget(ctx context.Context, key string, now time.Time) error
	// Document is all that is kept of a person, as JSON.
	Document(ctx context.Context, id int64) ([]byte, error)
}

const (
	howPreferences = "preferences page"
	howLetterLink  = "preferences page, by the link in a letter"
)

// choicesView is what the page of preferences shows.
type choicesView struct {
	Letters   []letterChoice
	WithZone  bool // a newsletter comes at its readers' local time
	Zone      string
	Zones     template.HTML
	ZoneWrong string
	Pause     string // of the options, the chosen one
	Paused    string // the day that the pause ends, if there is one
	Weeks     []int
	Until     string // the day that was typed
	First     string // that may be typed
	Last      string
	DayWrong  string
	Languages []languageChoice
	Saved     string   // when
	Asked     []string // names of newsletters that were asked for now, which a mail asks about

	// Data says that the link was mailed a moment ago, to this person alone:
	// more is shown, and more may be done.
	Data  bool
	Name  string
	Wrong string // of the address or the word that was typed
	Typed string
	Own   string // address of the pages of this link
	Leave string // address at which all letters are left
	Old   string // an address that is to be another, hidden
}

type letterChoice struct {
	ID, Name, Line string
	Gets           bool
}

type languageChoice struct {
	Tag, Name string
	Chosen    bool
}

// chooser finds who stands behind a link to preferences: one of a letter, or one
// that was mailed for the person's data. It answers the request itself when
// there is nobody.
func (h site) chooser(w http.ResponseWriter, r *http.Request) (asker, bool) {
	if h.Choices == nil {
		h.brokenLink(w, r)
		return asker{}, false
	}
	a, err := h.askerFor(r, audience.PurposePreferences, audience.PurposeData)
	switch {
	case errors.Is(err, errLink):
		h.brokenLink(w, r)
	case err != nil:
		h.ourFault(w, r, Newsletter{}, err)
	case a.token.Purpose == audience.PurposeData && a.token.Over(h.now()):
		h.over(w, r, a)
	default:
		return a, true
	}
	return asker{}, false
}

// over says that a mailed link is too old, and offers another.
func (h site) over(w http.ResponseWriter, r *http.Request, a asker) {
	v := h.view(w, r, a)
	v.Title, v.Confirms = v.Words.Pages.OldTitle, true
	v.Choices = &choicesView{Own: v.Home + "s/" + h.Keys.Sign(audience.PreferencesToken(a.newsletter.ID, a.person.Subscriber))}
	sendBack(w)
	h.show(w, http.StatusGone, "over", v)
}

// choose shows the page of preferences.
func (h site) choose(w http.ResponseWriter, r *http.Request) {
	if a, ok := h.chooser(w, r); ok {
		h.showChoices(w, http.StatusOK, h.choicesView(w, r, a))
	}
}

func (h site) showChoices(w http.ResponseWriter, status int, v view) {
	sendBack(w)
	h.show(w, status, "preferences", v)
}

// saveChoices takes the page's form.
func (h site) saveChoices(w http.ResponseWriter, r *http.Request) {
	a, ok := h.posted(w, r)
	if !ok {
		return
	}
	p, wrong := h.readChoices(r.PostForm, a)
	v := h.choicesView(w, r, a)
	if wrong != (wrongChoices{}) {
		wrong.show(&v, r.PostForm)
		v.Title = v.Words.Pages.ErrorTitle.With("title", v.Title)
		h.showChoices(w, http.StatusUnprocessableEntity, v)
		return
	}
	var asked []string
	if !a.proof {
		way := h.way(r, a.newsletter, howLetterLink)
		var ask []audience.Letters
		if a.data() {
			way.How = howPreferences
		} else {
			ask, p.Join = p.Join, nil
		}
		way.Text = v.Words.Pages.LettersYouGet
		err := h.Choices.SetPreferences(r.Context(), a.person.ID, p, way, h.now())
		if err == nil {
			a.person, err = h.People.PersonByID(r.Context(), a.person.ID)
		}
		if err == nil {
			asked, err = h.askToCome(r, a, ask)
		}
		if err != nil {
			h.ourFault(w, r, a.newsletter, err)
			return
		}
		h.Log.Info("preferences were saved", "newsletter", a.newsletter.ID, "subscriber", a.person.ID)
		v = h.choicesView(w, r, a)
	}
	v.Choices.Asked = asked
	v.Choices.Saved = v.Words.Pages.Saved.With("time", h.now().In(h.zoneOf(a)).Format(v.Words.Clock))
	h.showChoices(w, http.StatusOK, v)
}

// posted is chooser for a POST, whose form it reads. A page of another site
// gets no further.
func (h site) posted(w http.ResponseWriter, r *http.Request) (asker, bool) {
	if !h.ownSite(w, r, Newsletter{}) || !readForm(w, r) {
		return asker{}, false
	}
	return h.chooser(w, r)
}

// data says whether the link lets the person's data be seen, moved and erased. A
// link in a letter does not: letters are passed on.
func (a asker) data() bool { return a.token.Purpose == audience.PurposeData }

// choicesView fills the page of preferences.
func (h site) choicesView(w http.ResponseWriter, r *http.Request, a asker) view {
	v := h.view(w, r, a)
	own := v.Home + "s/" + r.PathValue("token")
	v.Title, v.Action, v.Confirms = v.Words.Pages.Preferences, own, true
	now := h.now()
	today := now.In(h.zoneOf(a))
	c := &choicesView{
		Own: own, Leave: own + "/leave", Data: a.data(), Weeks: []int{1, 2, 4}, Zones: zoneOptions,
		First: today.AddDate(0, 0, 1).Format(time.DateOnly), Last: today.AddDate(1, 0, 0).Format(time.DateOnly),
	}
	for _, n := range h.Newsletters {
		got := a.proof && n.ID == a.newsletter.ID || !a.proof && gets(a.person, n)
		if got || h.joinable(n) {
			c.Letters = append(c.Letters, letterChoice{n.ID, n.Name, n.Line, got})
		}
		c.WithZone = c.WithZone || n.LocalTime
	}
	if zone := a.person.Attributes[audience.AttributeTimezone]; knownZone(zone) {
		c.Zone = zone
	}
	if a.person.Paused.After(now) {
		c.Pause, c.Paused = pauseKept, v.Words.ShortDate(a.person.Paused.In(h.zoneOf(a)))
	}
	c.Languages = languageChoices(h.languageOf(a))
	if c.Data {
		c.Name = a.person.Name
	}
	v.Choices = c
	return v
}

// joinable says whether a newsletter takes new readers.
func (h site) joinable(n Newsletter) bool { return h.open(n) && len(n.Lists) > 0 }

// askToCome asks a person by mail about newsletters that were chosen by the link
// in a letter: whoever was passed that letter brings nobody any other. It returns
// their names.
func (h site) askToCome(r *http.Request, a asker, all []audience.Letters) (names []string, err error) {
	for _, l := range all {
		n := h.newsletter(l.Newsletter)
		if err := h.askByMail(r, a, n, howLetterLink); err != nil {
			return names, err
		}
		names = append(names, n.Name)
	}
	return names, nil
}

// askByMail asks a person by mail whether they want a newsletter, as its subscribe
// page does: on the list that they were on, or else on its first. A suppressed
// person, and one that had its mails of today, gets none.
func (h site) askByMail(r *http.Request, a asker, n Newsletter, how string) error {
	u := audience.SignUp{Newsletter: n.ID, Address: a.person.Address, Language: h.languageOf(a), Way: h.way(r, n, how)}
	for _, t := range a.person.Subscriptions {
		if slices.Contains(n.Lists, t.List) {
			u.Lists = []string{t.List}
			break
		}
	}
	if err := h.SignUps.SignUp(r.Context(), n.ID, u); err != nil {
		return err
	}
	h.Log.Info("a reader is asked by mail", "newsletter", n.ID, "subscriber", a.person.ID, "how", how)
	return nil
}

// zoneOf is the time zone that a person is in, as far as is known.
func (h site) zoneOf(a asker) *time.Location {
	if name := a.person.Attributes[audience.AttributeTimezone]; knownZone(name) {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
	}
	return a.newsletter.zone()
}

// askToLeaveAll shows the page on which all letters are left. Its form goes to
// the page to leave one, which also undoes it.
func (h site) askToLeaveAll(w http.ResponseWriter, r *http.Request) {
	a, ok := h.chooser(w, r)
	if !ok {
		return
	}
	v := h.view(w, r, a)
	v.Title, v.Confirms = v.Words.Pages.LeaveEverything, true
	v.Action = v.Home + "u/" + r.PathValue("token")
	if !a.proof {
		v.Action = v.Home + "u/" + h.Keys.Sign(audience.Token{
			Purpose: audience.PurposeUnsubscribe, Newsletter: a.newsletter.ID, Subscriber: a.person.ID, Salt: a.person.Salt,
		})
	}
	h.show(w, http.StatusOK, "leaveall", v)
}

// toChoices is the address of the preferences of who stands behind a link to
// leave; empty where there are none.
func (h site) toChoices(r *http.Request, a asker) string {
	switch {
	case h.Choices == nil:
		return ""
	case a.proof:
		return home(r) + "s/" + r.PathValue("token")
	}
	return home(r) + "s/" + h.Keys.Sign(audience.PreferencesToken(a.newsletter.ID, a.person.Subscriber))
}

// letters are newsletters by their ids, as a form has them.
func (h site) letters(ids []string) []Newsletter {
	var found []Newsletter
	for _, n := range h.Newsletters {
		if slices.Contains(ids, n.ID) {
			found = append(found, n)
		}
	}
	return found
}
