package store_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lede/audience"
	"lede/store"
)

// hostile is a text as somebody would choose it who wants to break a file: what
// begins formulas, parts cells, rows and tags, and looks like ours. It is one
// that an import leaves as it is.
func hostile(r *rand.Rand, most int) string {
	pieces := []string{
		"=", "+", "-", "@", "'", "' ", "''", ";", ",", `"`, `""`, "|", "\\", "[", "]", "{", "}", "=cmd|'/c calc'!A1", "＝", "＠", "\\u003b", "null", "<b>",
		"Ona", "Brann", "zoë", "عون", "שלום", "港", "👩‍🚀", "a", "7", " ", " & ", "/", "\\n", "%", ":", "true", "unsubscribed",
	}
	var b strings.Builder
	for range r.IntN(most + 1) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// hostilePeople are people of every state with texts that would break a file.
func hostilePeople(r *rand.Rand, n int) []audience.Row {
	keys := []string{
		"city", "plan", "state", "status", "email", "name", "list", "attributes", "confirmed", "émail", "subscribed_at", "consent_record",
		"tags", "town_2", "港", "unsubscribed", "e_mail", "other_fields", "opted_out", "reason", "nom", "suppressed",
	}
	local := []string{"ona", "=ona", "+ona", "-ona", "'ona", "'=ona", "o'na", "{ona", "|ona", "zoë"}
	var rows []audience.Row
	for i := range n {
		address := fmt.Sprintf("%s%d@averne.example", local[r.IntN(len(local))], i)
		address, key, domain, err := audience.ParseAddress(address)
		if err != nil {
			panic(err)
		}
		at := func() time.Time {
			return now.Add(-time.Duration(r.Int64N(1e9)) * time.Millisecond).Truncate(time.Microsecond)
		}
		row := audience.Row{Line: i + 1, Address: address, Key: key, Domain: domain, Name: hostile(r, 6), IP: "192.0.2.7", Consent: hostile(r, 8), Created: at(), Joined: at()}
		for range r.IntN(6) {
			if v := hostile(r, 8); v != "" {
				if row.Attributes == nil {
					row.Attributes = map[string]string{}
				}
				row.Attributes[keys[r.IntN(len(keys))]] = v
			}
		}
		for range r.IntN(4) {
			if t := hostile(r, 4); t != "" {
				row.Tags = append(row.Tags, t)
			}
		}
		slicesUnique(&row.Tags)
		switch r.IntN(7) {
		case 0:
			row.State = audience.Pending
		case 1:
			row.State, row.Left, row.Reason = audience.Unsubscribed, at(), hostile(r, 5)
		case 2:
			row.State, row.Left, row.Suppress = audience.Unsubscribed, at(), "bounce"
		case 3:
			row.State, row.Suppress = audience.Active, "complaint"
		case 4:
			row.State, row.Suppress = audience.Pending, "by-hand"
		}
		rows = append(rows, row)
	}
	return rows
}

func slicesUnique(tags *[]string) {
	seen, kept := map[string]bool{}, (*tags)[:0]
	for _, t := range *tags {
		if !seen[t] {
			seen[t] = true
			kept = append(kept, t)
		}
	}
	*tags = kept
}

// leavers are all people of an export, by address, without what another
// database has of its own.
func leavers(t testing.TB, s *store.Store, q audience.ExportQuery) map[string]audience.Leaver {
	t.Helper()
	all := map[string]audience.Leaver{}
	must(t, s.ExportPeople(ctx(), q, now, func(each audience.EachLeaver) error {
		return each(func(p *audience.Leaver) error {
			l := *p
			l.ID, l.Salt, l.SuppressedAt = 0, 0, time.Time{}
			all[l.Address+" "+l.List] = l
			return nil
		})
	}))
	return all
}

func export(t testing.TB, s *store.Store, o audience.ExportOptions) (string, audience.Exported) {
	t.Helper()
	var out bytes.Buffer
	o.Store, o.Now = s, now
	done, err := audience.Export(ctx(), &out, o)
	must(t, err)
	return out.String(), done
}

func importText(t testing.TB, s *store.Store, list, name, text string) audience.Result {
	t.Helper()
	o := audience.ImportOptions{List: list, Store: s, Name: name, Now: func() time.Time { return now }, OnReject: func(x audience.Reject) { t.Errorf("line %d: %s", x.Line, x.Reason) }}
	res, err := audience.Import(ctx(), strings.NewReader(text), o)
	must(t, err)
	return res
}

// TestExportComesBack exports people whose texts are made to break files: taken
// into an empty database they are the same, and over the same database nothing
// changes.
func TestExportComesBack(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		from := db.open(t)
		r := rand.New(rand.NewPCG(7, 11))
		subscribe(t, from, "harbour", hostilePeople(r, 600)...)
		must(t, from.Suppress(ctx(), audience.Suppression{Address: "stranger@averne.example", Reason: "by-hand", At: now}))
		want := leavers(t, from, audience.ExportQuery{List: "harbour"})
		for _, format := range []string{"csv", "jsonl"} {
			o := audience.ExportOptions{ExportQuery: audience.ExportQuery{List: "harbour", Suppressed: true}, Format: format}
			text, done := export(t, from, o)
			if done.Rows != len(want)+1 || done.Missing() != 0 {
				t.Errorf("%s: %+v of %d people", format, done, len(want)+1)
			}
			to := database{engines[engineOf(db)](t)}.open(t)
			importText(t, to, "harbour", "harbour."+format, text)
			got := leavers(t, to, audience.ExportQuery{List: "harbour"})
			stranger := got["stranger@averne.example harbour"]
			if stranger.State != audience.Unsubscribed || stranger.Suppressed != "by-hand" {
				t.Errorf("%s: the stranger is %+v", format, stranger)
			}
			delete(got, "stranger@averne.example harbour")
			for who, w := range want {
				g := got[who]
				if !strings.HasSuffix(g.Consent, w.Consent) || !strings.HasSuffix(g.Why, w.Why) {
					t.Errorf("%s: %s: consent %q, why %q, want at the end %q, %q", format, who, g.Consent, g.Why, w.Consent, w.Why)
				}
				g.Consent, g.Why = w.Consent, w.Why
				got[who] = g
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: (-before +after)\n%s", format, diff)
			}
			res := importText(t, from, "harbour", "again."+format, text)
			if res.New+res.Updated+res.Rejected != 0 {
				t.Errorf("%s over the same: %+v", format, res)
			}
			if diff := cmp.Diff(want, leavers(t, from, audience.ExportQuery{List: "harbour"})); diff != "" {
				t.Errorf("%s over the same: (-before +after)\n%s", format, diff)
			}
		}
	})
}

// TestOptOutsComeBack: who left one of a list's newsletters leaves it where our
// own export is taken in, and stays on the list; where the newsletter has another
// name, or all were left, they are unsubscribed.
func TestOptOutsComeBack(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		from := db.open(t)
		subscribe(t, from, "harbour", readers(0, 4)...)
		must(t, from.Leave(ctx(), id(t, from, reader(0).Key), "tide", nil, "by hand", now))
		for _, letter := range []string{"tide", "daily"} {
			must(t, from.Leave(ctx(), id(t, from, reader(1).Key), letter, nil, "by hand", now))
		}
		must(t, from.LeaveAll(ctx(), id(t, from, reader(2).Key), []string{"tide"}, "by hand", now))
		letters := []string{"daily", "tide"}
		o := audience.ExportOptions{ExportQuery: audience.ExportQuery{List: "harbour", OptOuts: letters}, Newsletters: map[string][]string{"harbour": letters}}
		ghost := o
		ghost.Format = "ghost"
		if _, done := export(t, from, ghost); done.States["unsubscribed"] != 3 || !strings.Contains(strings.Join(done.Notes, "\n"), "1 person left some of the list's newsletters") {
			t.Errorf("ghost: %+v", done)
		}
		for _, format := range []string{"csv", "jsonl"} {
			o.Format = format
			text, done := export(t, from, o)
			if done.States["unsubscribed"] != 2 {
				t.Errorf("%s: %+v", format, done)
			}
			for _, test := range []struct {
				letters []string
				want    string // of the one who left tide alone
			}{
				{letters, "active, left tide"},
				{[]string{"daily", "flood"}, "unsubscribed"},
				{[]string{"tide"}, "unsubscribed"},
				{nil, "unsubscribed"},
			} {
				to := database{engines[engineOf(db)](t)}.open(t)
				for range 2 {
					_, err := audience.Import(ctx(), strings.NewReader(text), audience.ImportOptions{List: "harbour", Store: to, Name: "harbour." + format, Newsletters: test.letters, Now: func() time.Time { return now }})
					must(t, err)
				}
				got := make([]string, 4)
				for i := range got {
					p, err := to.Person(ctx(), reader(i).Key)
					must(t, err)
					got[i] = strings.Join(append([]string{string(p.Subscriptions[0].State)}, p.OptedOut...), ", left ")
				}
				want := []string{test.want, "unsubscribed", "unsubscribed", "active"}
				if diff := cmp.Diff(want, got[:4], cmp.Transformer("state", func(s string) string {
					if s != test.want && strings.HasPrefix(s, "unsubscribed") {
						return "unsubscribed" // whatever else is noted
					}
					return s
				})); diff != "" {
					t.Errorf("%s with %v: %s", format, test.letters, diff)
				}
			}
		}
	})
}

// engineOf names a database's engine.
func engineOf(db database) string {
	if strings.HasSuffix(db.dsn, ".db") {
		return "sqlite"
	}
	return "postgres"
}

// TestExportPages exports more people than a page holds, on several lists, and
// only whom a condition means.
func TestExportPages(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 4500)...)
		subscribe(t, s, "tides", readers(4000, 4100)...)
		must(t, s.LeaveAll(ctx(), id(t, s, "reader7@averne.example"), []string{"letter"}, "by hand", now))
		p := id(t, s, "reader8@averne.example")
		must(t, s.Leave(ctx(), p, "letter", nil, "by hand", now))
		for _, test := range []struct {
			name   string
			q      audience.ExportQuery
			rows   int
			active int
		}{
			{"one list", audience.ExportQuery{List: "harbour"}, 4500, 4499},
			{"of a newsletter that one left", audience.ExportQuery{List: "harbour", OptOuts: []string{"letter"}}, 4500, 4498},
			{"every list", audience.ExportQuery{}, 4600, 4599},
			{"a condition", audience.ExportQuery{List: "harbour", Where: `list "tides"`}, 100, 100},
			{"nobody", audience.ExportQuery{List: "none"}, 0, 0},
		} {
			text, done := export(t, s, audience.ExportOptions{ExportQuery: test.q})
			if done.Rows != test.rows || done.States["active"] != test.active || strings.Count(text, "\n") != test.rows+1 {
				t.Errorf("%s: %+v, %d lines", test.name, done, strings.Count(text, "\n"))
			}
		}
		// Of an export of every list an import takes those of its list.
		text, _ := export(t, s, audience.ExportOptions{})
		to := database{engines[engineOf(db)](t)}.open(t)
		res := importText(t, to, "tides", "all.csv", text)
		if res.New != 100 || res.KeptOut != 4500 {
			t.Errorf("tides of all: %+v", res)
		}
	})
}
