package audience

import (
	"io"
	"slices"
	"strings"
)

// exportFormat is how an export is written.
type exportFormat struct {
	name  string
	title string // as people call it
	// words are its words for states; a state without one is left out. nil: it
	// has our own.
	words map[string]string
	// split says that its import takes the people of a file in one state, or may
	// not read the column of states: an export is an archive of files, so that
	// nobody who left is taken in as active.
	split      bool
	files      []exportFile
	columns    []exportColumn
	attributes attributesTo
	noTags     bool
	noNames    bool
	end        string // of a line
	note       string // what the person should know
}

// attributesTo is where a format has attributes.
type attributesTo int

const (
	nowhere   attributesTo = iota
	asColumns              // one each, behind the others
	within                 // in a JSON object, in a column of the format
)

// exportColumn is one of a format's own.
type exportColumn struct {
	head string
	cell func(p *Leaver, word string) string
	json bool // the cell is JSON
}

// exportFile is one file of an archive: the states in it, and what its name says
// of them, in words that imports know (nameTells).
type exportFile struct {
	label  string
	states []string
	word   string // of Mailchimp: it begins the name
}

// name is the file's name in an archive.
func (f exportFile) name(list string) string {
	if list == "" {
		list = "all"
	}
	if f.word != "" {
		return f.word + "_email_audience_export_" + list + ".csv"
	}
	return list + "-" + f.label + ".csv"
}

// filesOf are the files in which people of these states stand; empty: of all.
func (f *exportFormat) filesOf(states []string) []exportFile {
	if !f.split {
		return []exportFile{{}}
	}
	if len(states) == 0 {
		return f.files
	}
	var files []exportFile
	for _, file := range f.files {
		if slices.ContainsFunc(file.states, func(s string) bool { return slices.Contains(states, s) }) {
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		return f.files[:1] // nobody, under its headings
	}
	return files
}

// The columns that several formats have.
var (
	address   = func(p *Leaver, _ string) string { return p.Address }
	wholeName = func(p *Leaver, _ string) string { return p.Name }
	firstName = func(p *Leaver, _ string) string { first, _ := partName(p.Name); return first }
	lastName  = func(p *Leaver, _ string) string { _, last := partName(p.Name); return last }
	stateWord = func(_ *Leaver, word string) string { return word }
	created   = func(p *Leaver, _ string) string { return plainTime(p.joined()) }
	leftAt    = func(p *Leaver, _ string) string { return plainTime(p.left()) }
	clientIP  = func(p *Leaver, _ string) string { return p.IP }
	tagsList  = func(p *Leaver, _ string) string { return strings.Join(plainTags(p.Tags), ",") }
	packed    = func(p *Leaver, _ string) string { return asJSON(p.members()) }
	always    = func(text string) func(*Leaver, string) string {
		return func(*Leaver, string) string { return text }
	}
)

// The files of services that have all five states.
var fiveFiles = []exportFile{
	{label: "active", states: []string{"active"}},
	{label: "unconfirmed", states: []string{"pending"}},
	{label: "unsubscribed", states: []string{"unsubscribed"}},
	{label: "bounced", states: []string{"bounced"}},
	{label: "marked-as-spam", states: []string{"complained"}},
}

// exportFormats are those that are written: our own, and of other services whose
// headings are known. Where a service has no word for one who was shut out the
// nearest that gets no mail stands.
var exportFormats = []exportFormat{
	{name: "csv", title: "CSV", attributes: asColumns, end: "\n"},
	{name: "lede", title: "CSV", attributes: asColumns, end: "\n"},
	{name: "jsonl", title: "JSONL", attributes: within, end: "\n"},
	{
		name: "mailchimp", title: "Mailchimp", end: "\n", split: true, attributes: asColumns,
		words: map[string]string{"active": "subscribed", "unsubscribed": "unsubscribed", "complained": "unsubscribed", "bounced": "cleaned"},
		files: []exportFile{
			{word: "subscribed", states: []string{"active"}},
			{word: "unsubscribed", states: []string{"unsubscribed", "complained"}},
			{word: "cleaned", states: []string{"bounced"}},
		},
		columns: []exportColumn{
			{head: "Email Address", cell: address},
			{head: "First Name", cell: firstName},
			{head: "Last Name", cell: lastName},
			{head: "OPTIN_TIME", cell: created},
			{head: "OPTIN_IP", cell: clientIP},
			{head: "CONFIRM_TIME", cell: always("")},
			{head: "CONFIRM_IP", cell: always("")},
			{head: "LAST_CHANGED", cell: always("")},
			{head: "UNSUB_TIME", cell: leftAt},
			{head: "TAGS", cell: func(p *Leaver, _ string) string { return quotedTags(p.Tags) }},
		},
		note: "in Mailchimp's import each file goes in under its own status: Subscribed, Unsubscribed, Cleaned",
	},
	{
		name: "listmonk", title: "listmonk", end: "\n", split: true, attributes: within,
		words: map[string]string{"active": "enabled", "unsubscribed": "blocklisted", "complained": "blocklisted", "bounced": "blocklisted"},
		files: []exportFile{
			{label: "active", states: []string{"active"}},
			{label: "blocklisted", states: []string{"unsubscribed", "bounced", "complained"}},
		},
		columns: []exportColumn{
			{head: "uuid", cell: always("")},
			{head: "email", cell: address},
			{head: "name", cell: wholeName},
			{head: "attributes", cell: packed, json: true},
			{head: "status", cell: stateWord},
			{head: "created_at", cell: created},
		},
		note: "listmonk's import does not read the column of states: take in the file of those who left with its mode \"Blocklist\", and first",
	},
	{
		name: "ghost", title: "Ghost", end: "\r\n", attributes: nowhere,
		words: map[string]string{"active": "true", "unsubscribed": "false", "complained": "false", "bounced": "false"},
		columns: []exportColumn{
			{head: "email", cell: address},
			{head: "name", cell: wholeName},
			{head: "note", cell: always("")},
			{head: "subscribed_to_emails", cell: stateWord},
			{head: "complimentary_plan", cell: always("")},
			{head: "stripe_customer_id", cell: always("")},
			{head: "created_at", cell: created},
			{head: "labels", cell: tagsList},
		},
	},
	{
		name: "substack", title: "Substack", end: "\n", split: true, attributes: nowhere, noTags: true, noNames: true,
		words: map[string]string{"active": "false", "unsubscribed": "true", "complained": "true", "bounced": "true"},
		files: []exportFile{
			{label: "active", states: []string{"active"}},
			{label: "unsubscribed", states: []string{"unsubscribed", "bounced", "complained"}},
		},
		columns: []exportColumn{
			{head: "email", cell: address},
			{head: "active_subscription", cell: always("")},
			{head: "expiry", cell: always("")},
			{head: "plan", cell: always("")},
			{head: "email_disabled", cell: stateWord},
			{head: "created_at", cell: created},
		},
		note: "Substack's import makes everybody of a file a reader: take in the active ones alone",
	},
	{
		name: "buttondown", title: "Buttondown", end: "\n", split: true, attributes: nowhere, noNames: true, files: fiveFiles,
		words: map[string]string{"active": "regular", "pending": "unactivated", "unsubscribed": "unsubscribed", "complained": "complained", "bounced": "undeliverable"},
		columns: []exportColumn{
			{head: "email", cell: address},
			{head: "notes", cell: always("")},
			{head: "tags", cell: tagsList},
			{head: "subscriber_type", cell: stateWord},
			{head: "creation_date", cell: created},
			{head: "unsubscription_date", cell: leftAt},
		},
	},
	{
		name: "beehiiv", title: "beehiiv", end: "\n", split: true, attributes: asColumns,
		words: map[string]string{"active": "active", "pending": "pending", "unsubscribed": "inactive", "complained": "inactive", "bounced": "inactive"},
		files: []exportFile{
			{label: "active", states: []string{"active"}},
			{label: "unconfirmed", states: []string{"pending"}},
			{label: "unsubscribed", states: []string{"unsubscribed", "bounced", "complained"}},
		},
		columns: []exportColumn{
			{head: "email", cell: address},
			{head: "First Name", cell: firstName},
			{head: "Last Name", cell: lastName},
			{head: "status", cell: stateWord},
			{head: "tier", cell: always("free")},
			{head: "tags", cell: tagsList},
			{head: "created_at", cell: created},
			{head: "unsubscribed_at", cell: leftAt},
		},
	},
	{
		name: "mailerlite", title: "MailerLite", end: "\r\n", split: true, attributes: asColumns, files: fiveFiles,
		words: map[string]string{"active": "active", "pending": "unconfirmed", "unsubscribed": "unsubscribed", "complained": "junk", "bounced": "bounced"},
		columns: []exportColumn{
			{head: "Subscriber", cell: address},
			{head: "Name", cell: firstName},
			{head: "Last name", cell: lastName},
			{head: "Groups", cell: tagsList},
		},
		note: "MailerLite's import asks for the status of each file",
	},
	{
		name: "keila", title: "Keila", end: "\r\n", split: true, attributes: within,
		words: map[string]string{"active": "active", "unsubscribed": "unsubscribed", "complained": "unsubscribed", "bounced": "unreachable"},
		files: []exportFile{
			{label: "active", states: []string{"active"}},
			{label: "unsubscribed", states: []string{"unsubscribed", "complained"}},
			{label: "bounced", states: []string{"bounced"}},
		},
		columns: []exportColumn{
			{head: "Email", cell: address},
			{head: "First name", cell: firstName},
			{head: "Last name", cell: lastName},
			{head: "Data", cell: packed, json: true},
			{head: "Status", cell: stateWord},
			{head: "External ID", cell: always("")},
		},
	},
}

// exportFormatNamed returns the format with a name, nil if there is none.
func exportFormatNamed(name string) *exportFormat {
	for i := range exportFormats {
		if exportFormats[i].name == name {
			return &exportFormats[i]
		}
	}
	return nil
}

// personWriter writes people one by one; end writes what is held.
type personWriter interface {
	person(p *Leaver, state string) error
	end() error
}

// writer begins a file.
func (f *exportFormat) writer(out io.Writer, e *exporting) (personWriter, error) {
	switch f.name {
	case "csv", "lede":
		w := &ledeRows{cells: newCells(out, f.end), keys: &e.keys, all: e.o.List == ""}
		return w, w.heads()
	case "jsonl":
		return newLines(out, e.o.List == ""), nil
	}
	w := &serviceRows{cells: newCells(out, f.end), f: f, keys: &e.keys}
	return w, w.heads()
}

// serviceRows writes the rows of another service's file.
type serviceRows struct {
	cells *cells
	f     *exportFormat
	keys  *attributeColumns
}

func (w *serviceRows) heads() error {
	for _, c := range w.f.columns {
		w.cells.add(c.head)
	}
	for _, key := range w.keys.keys {
		w.cells.text(w.keys.heads[key])
	}
	return w.cells.next()
}

func (w *serviceRows) person(p *Leaver, state string) error {
	for _, c := range w.f.columns {
		cell := c.cell(p, w.f.words[state])
		if c.json {
			w.cells.json(cell)
		} else {
			w.cells.text(cell)
		}
	}
	for _, key := range w.keys.keys {
		w.cells.text(p.Attributes[key])
	}
	return w.cells.next()
}

func (w *serviceRows) end() error { return w.cells.out.Flush() }
