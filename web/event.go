package web

import (
	"bytes"
	"net/http"
	"net/url"

	"lede/compose"
	"lede/newsroom"
)

// keepEvent is how long an event's file may be kept without asking again: an
// edition that was sent does not change.
const keepEvent = "public, max-age=86400"

// event serves the calendar file of an event beside its edition's page. Who may
// read the page may have it, under the same address with the file's name: of a
// newsletter that is not on the web, each reader by the address in their mail.
func (h site) event(w http.ResponseWriter, r *http.Request) {
	record, n, own, ok := h.openEdition(w, r)
	if !ok {
		return
	}
	if record.Content == nil {
		h.noEdition(w, r)
		return
	}
	event, found := record.Content.EventNamed(r.PathValue("file"))
	if !found {
		h.noEdition(w, r)
		return
	}
	keep := keepEvent
	if own {
		keep = "private, no-store" // the address is one person's
	}
	// Shown in place, since that is how phones offer to add it.
	w.Header().Set("Content-Disposition", `inline; filename="`+compose.EventFile(event)+`"`)
	serveKept(w, r, "text/calendar; charset=utf-8; method=PUBLISH", keep, n.calendar(record).File(event), record.Stored)
}

// calendar is what the files of an edition's events say of it.
func (n Newsletter) calendar(record newsroom.Record) compose.Calendar {
	stamp := record.Stored
	if stamp.IsZero() {
		stamp = record.Slot
	}
	return compose.Calendar{Newsletter: record.Newsletter, Organizer: n.From, Domain: n.domain(record), Zone: n.zone(), Stamp: stamp}
}

// domain is what the newsletter's entries in calendars are named after for good.
func (n Newsletter) domain(record newsroom.Record) string {
	if n.ListID != "" {
		return n.ListID
	}
	return url.PathEscape(record.Newsletter) + ".invalid"
}

// eventLinks makes the links of a page to its events' files right for where the
// page stands. Compose writes them as they are beside the files; a page that is
// served has an address without a slash at its end, whose last part is to be said.
// A text can't hold what is looked for: its quotation marks are escaped.
func eventLinks(page []byte, last string) []byte {
	return bytes.ReplaceAll(page, []byte(` href="event-`), []byte(` href="`+url.PathEscape(last)+`/event-`))
}

// eventFiles writes the calendar files of an edition's events.
func (h site) eventFiles(n Newsletter, record newsroom.Record, out Folder) error {
	if record.Content == nil {
		return nil
	}
	for _, b := range record.Content.Events() {
		if err := out.Put("e/"+record.ID+"/"+compose.EventFile(b), n.calendar(record).File(b)); err != nil {
			return err
		}
	}
	return nil
}
