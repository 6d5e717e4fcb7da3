package lint

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:generate sh -c "go run lede/internal/caniemail data.json > caniemail.txt"

//go:embed caniemail.txt
var caniemail string

// Client is a mail program on one platform, as caniemail.com tests it.
type Client struct {
	ID   string `json:"id"`   // "gmail.ios": family and platform
	Name string `json:"name"` // "Gmail, iOS"
}

// Family is a client's program, whatever it runs on: "gmail".
func (c Client) Family() string {
	family, _, _ := strings.Cut(c.ID, ".")
	return family
}

// MainClients are the clients that findings name unless others are asked for:
// Gmail, Outlook, Yahoo and Apple Mail, but for Gmail's page for old telephones,
// which takes no style sheet at all.
func MainClients() []string {
	ids, _ := PickClients([]string{"gmail", "outlook", "yahoo", "apple-mail"})
	return slices.DeleteFunc(ids, func(id string) bool { return id == "gmail.mobile-webmail" })
}

// feature is a row of the table.
type feature struct {
	slug, title string
	verdicts    string // a letter a client
}

// supportTable is what mail programs support.
type supportTable struct {
	date     string
	clients  []Client
	features map[string]feature
}

// table reads the built-in table, once. A line that can't be read would be a
// mistake of ours, which the tests find.
var table = sync.OnceValue(func() supportTable {
	t := supportTable{features: map[string]feature{}}
	for line := range strings.Lines(caniemail) {
		line = strings.TrimSuffix(line, "\n")
		parts := strings.Split(line, "\t")
		switch {
		case strings.HasPrefix(line, "#"):
			if _, date, ok := strings.Cut(line, "as of "); ok {
				t.date = strings.TrimSuffix(date, ".")
			}
		case len(parts) != 3:
		case parts[0] == "client":
			t.clients = append(t.clients, Client{parts[1], parts[2]})
		default:
			t.features[parts[0]] = feature{parts[0], parts[1], parts[2]}
		}
	}
	return t
})

// Clients lists the mail programs whose support is known, by id.
func Clients() []Client { return slices.Clone(table().clients) }

// ClientsDate is the day of the data of what they support, as 2026-05-13.
func ClientsDate() string { return table().date }

// PickClients finds the clients that names name: a family ("gmail") or one of
// its platforms ("gmail.ios"). unknown is the first name that is neither.
func PickClients(names []string) (ids []string, unknown string) {
	for _, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		found := false
		for _, c := range table().clients {
			if c.ID == name || c.Family() == name {
				found = true
				if !slices.Contains(ids, c.ID) {
					ids = append(ids, c.ID)
				}
			}
		}
		if !found {
			return nil, name
		}
	}
	return ids, ""
}

// Use is a feature of HTML or CSS that a letter uses, and who lacks it.
type Use struct {
	Feature string   // caniemail's name for it in addresses: "css-display-flex"
	Title   string   // "display:flex"
	Line    int      // of its first use
	Place   string   // of its first use, for a person
	Without []string // ids of clients that don't support it
	Partly  []string // ids of clients that support it in part
}

// Hint says whether the feature only says something to programs that know it, and
// takes nothing away from the others: a doctype, the colour schemes.
func (u Use) Hint() bool { return hints[u.Feature] }

// Support lists what a letter's HTML uses of what caniemail.com has tested, in
// the order of first use, with the clients that don't support it.
func Support(html string) []Use {
	p := readPage(html)
	return supportOf(&p, sheetsOf(&p))
}

func supportOf(p *page, sheets []sheet) []Use {
	f := &finder{page: p, seen: map[string]bool{}}
	f.elements()
	for _, s := range sheets {
		f.sheet(s)
	}
	t := table()
	for i := range f.uses {
		u := &f.uses[i]
		row := t.features[u.Feature]
		u.Title = row.title
		for n, c := range t.clients {
			switch row.verdicts[n] {
			case 'n':
				u.Without = append(u.Without, c.ID)
			case 'a':
				u.Partly = append(u.Partly, c.ID)
			}
		}
	}
	return f.uses
}

// sheetsOf takes all style blocks apart.
func sheetsOf(p *page) []sheet {
	var out []sheet
	for _, b := range p.styles {
		out = append(out, readSheet(b.text, b.line))
	}
	return out
}

// harmful says of features whose lack changes what a reader gets what to do
// instead; the lack of others changes the looks at most.
var harmful = map[string]string{
	"css-display-flex":   "Set columns by a table; flex boxes fall below one another there.",
	"css-display-grid":   "Set columns by a table; a grid falls into one column there.",
	"css-position":       "Don't lay things over one another; there they stand one after the other.",
	"css-at-import":      "Write the rules into the letter; what is imported is missing there.",
	"css-variables":      "Write the values themselves; a declaration with var() is dropped there.",
	"css-nesting":        "Write each rule for itself; nested rules are dropped there.",
	"css-clip-path":      "Show nothing that is wrong when it is not clipped.",
	"html-video":         "Link a picture of the film to the page where it plays.",
	"html-audio":         "Link to the page where it plays.",
	"html-form":          "Link to a page with the form.",
	"html-select":        "Link to a page with the form.",
	"html-textarea":      "Link to a page with the form.",
	"html-input-text":    "Link to a page with the form.",
	"html-input-submit":  "Link to a page with the form.",
	"html-button-submit": "Set buttons as links.",
	"html-svg":           "Use a PNG or JPEG picture.",
	"html-object":        "Use a picture or a link.",
	"html-base":          "Write whole addresses in links and pictures.",
	"html-link":          "Write the rules into a <style>; a style sheet elsewhere is not read there.",
	"html-dialog":        "Say it in the letter's text.",
	"html-popover":       "Say it in the letter's text.",
	"html-picture":       "See that the <img> within is the picture that all can show.",
	"image-svg":          "Use a PNG or JPEG picture.",
	"image-webp":         "Use a PNG or JPEG picture.",
	"image-avif":         "Use a PNG or JPEG picture.",
	"image-heif":         "Use a PNG or JPEG picture.",
	"image-tiff":         "Use a PNG or JPEG picture.",
	"image-base64":       "Attach the picture (cid:) or serve it; a data: address shows nothing there.",
	"image-mp4":          "Use a picture.",
}

// hints are features that say something to a program that knows them and take
// nothing away where they are not known.
var hints = map[string]bool{"html-doctype": true, "html-meta-color-scheme": true, "css-color-scheme": true}

// clientSupport tells which features of the letter some clients lack.
func clientSupport(in letter) []Finding {
	wanted := in.facts.Clients
	if len(wanted) == 0 {
		wanted = MainClients()
	}
	var out []Finding
	for _, u := range supportOf(&in.page, in.sheets) {
		lack := slices.DeleteFunc(slices.Clone(u.Without), func(id string) bool { return !slices.Contains(wanted, id) })
		// <body> is in every mail; programs that put a letter into a page of
		// their own make a <div> of it.
		if len(lack) == 0 || hints[u.Feature] || u.Feature == "html-body" {
			continue
		}
		f := Finding{
			Rule: "client-support", Severity: Note, Place: u.Place, Clients: clientNames(lack),
			Message: fmt.Sprintf("%s is not supported there (caniemail.com, %s).", u.Title, ClientsDate()),
			Remedy:  "See that the letter is right without it: https://www.caniemail.com/features/" + u.Feature + "/",
		}
		if remedy, ok := harmful[u.Feature]; ok {
			f.Severity, f.Remedy = Warning, remedy
		}
		out = append(out, f)
	}
	return out
}

// clientNames writes clients for a person; a family of which all are meant is
// named once.
func clientNames(ids []string) string {
	var out []string
	done := map[string]bool{}
	for _, c := range table().clients {
		if !slices.Contains(ids, c.ID) || done[c.Family()] {
			continue
		}
		family, _, _ := strings.Cut(c.Name, ", ")
		var platforms []string
		all := true
		for _, other := range table().clients {
			if other.Family() != c.Family() {
				continue
			}
			if slices.Contains(ids, other.ID) {
				_, platform, _ := strings.Cut(other.Name, ", ")
				platforms = append(platforms, platform)
			} else {
				all = false
			}
		}
		if !all {
			family += " (" + strings.Join(platforms, ", ") + ")"
		}
		out = append(out, family)
		done[c.Family()] = true
	}
	return strings.Join(out, ", ")
}
