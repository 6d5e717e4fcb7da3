package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"

	"lede/audience"
)

// importJSON is what an import prints for other programs.
type importJSON struct {
	audience.Result
	Import int64 `json:"import,omitzero"` // its number in lede imports
	audience.Survey
	PassedOver []string `json:"passed_over,omitempty"`
}

// tellSurvey says what an import understood: all of it for a dry run, else what
// the person should know.
func tellSurvey(a *app, o audience.ImportOptions, notes []string) {
	if o.DryRun && !a.json {
		for _, f := range o.Survey.Files {
			a.say("%s: %s, %s", f.Name, f.Format, rowCount(f.Rows))
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			for _, c := range f.Columns {
				fmt.Fprintf(w, "  %s\t→ %s\n", shown(c.Heading), c.Meaning)
			}
			_ = w.Flush() // standard output
		}
		a.say("states: %s", counts(o.Survey.States))
		if len(o.Survey.Flags) > 0 {
			a.say("odd, taken all the same: %s", counts(o.Survey.Flags))
		}
		if o.Survey.Sync != nil {
			tellGone(a, *o.Survey.Sync)
		}
	}
	for _, note := range notes {
		a.note("%s", note)
	}
	for _, f := range o.Survey.Files {
		for _, note := range f.Notes {
			a.note("%s: %s", f.Name, note)
		}
	}
	const most = 5
	for i, x := range o.Survey.Flagged {
		if i == most {
			a.note("%s are odd; lede imports show tells the first thousand", counts(o.Survey.Flags))
			break
		}
		a.note("%s:%d: %s %s (taken)", x.File, x.Line, shown(x.Address), x.Flag)
	}
}

// tellGone says whom a sync takes off the list.
func tellGone(a *app, s audience.SyncSurvey) {
	const most = 20
	for i, address := range s.Who {
		if i == most {
			a.say("  and %s more; --json has the first thousand", humanize.Comma(int64(s.Gone-most)))
			break
		}
		a.say("  not in the file: %s", shown(address))
	}
}

// counts writes "3 active, 1 unsubscribed".
func counts(m map[string]int) string {
	var parts []string
	for _, word := range slices.SortedFunc(maps.Keys(m), func(a, b string) int { return (m[b]-m[a])*1000 + strings.Compare(a, b) }) {
		parts = append(parts, humanize.Comma(int64(m[word]))+" "+word)
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// wrapWords joins words for a help text, some to a line.
func wrapWords(words []string) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i == 0:
		case i%8 == 0:
			b.WriteString(",\n")
		default:
			b.WriteString(", ")
		}
		b.WriteString(w)
	}
	return b.String()
}
