package audience

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/text/encoding/charmap"
	xunicode "golang.org/x/text/encoding/unicode"
)

// keeper is an Importer that only remembers: the rules of the real store are
// tested with the real store.
type keeper struct {
	rows  []Row // active and pending
	left  []Row // who the file says left
	calls int
	fail  error
	after func() // called after each call
}

func (k *keeper) ImportErased(_ context.Context, _ Intake, hashes []Erased, _ time.Time) (int, error) {
	return len(hashes), k.fail
}

func (k *keeper) ImportChunk(_ context.Context, _ Intake, rows []Row, _ time.Time) (Result, error) {
	if k.fail != nil {
		return Result{}, k.fail
	}
	k.calls++
	var res Result
	for _, row := range rows {
		if row.State == Unsubscribed {
			k.left = append(k.left, row)
			res.KeptOut++
			continue
		}
		i := slices.IndexFunc(k.rows, func(r Row) bool { return r.Key == row.Key })
		if i >= 0 {
			k.rows[i].fill(row)
			res.Unchanged++
			continue
		}
		k.rows = append(k.rows, row)
		res.New++
	}
	if k.after != nil {
		k.after()
	}
	return res, nil
}

// fill takes over from a later row what is blank in this one.
func (row *Row) fill(later Row) {
	if row.Name == "" {
		row.Name = later.Name
	}
	for key, value := range later.Attributes {
		if _, ok := row.Attributes[key]; !ok {
			if row.Attributes == nil {
				row.Attributes = make(map[string]string)
			}
			row.Attributes[key] = value
		}
	}
	for _, t := range later.Tags {
		if !slices.Contains(row.Tags, t) {
			row.Tags = append(row.Tags, t)
		}
	}
}

// text writes rows so that tests can compare them: address, name, attributes,
// tags.
func (k *keeper) text() string {
	var b strings.Builder
	rows := slices.Clone(k.rows)
	slices.SortStableFunc(rows, func(a, b Row) int { return a.Line - b.Line }) // they come by key
	for _, r := range rows {
		fmt.Fprintf(&b, "%d %s", r.Line, r.Address)
		if r.Name != "" {
			fmt.Fprintf(&b, " (%s)", r.Name)
		}
		if len(r.Attributes) > 0 {
			fmt.Fprintf(&b, " %v", r.Attributes)
		}
		if len(r.Tags) > 0 {
			fmt.Fprintf(&b, " %q", r.Tags)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// importText imports a text and returns what was kept and the reasons of
// rejects and of rows kept out.
func importText(t *testing.T, in string, o ImportOptions) (*keeper, Result, []string, error) {
	t.Helper()
	k := &keeper{}
	var rejects bytes.Buffer
	o.List, o.Store, o.Rejects = "harbour", k, &rejects
	res, err := Import(t.Context(), strings.NewReader(in), o)
	if res.Rows != res.New+res.Updated+res.Unchanged+res.KeptOut+res.Rejected {
		t.Errorf("the sum is wrong: %+v", res)
	}
	var reasons []string
	if rejects.Len() > 0 {
		r := csv.NewReader(&rejects)
		r.FieldsPerRecord = -1
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			reasons = append(reasons, row[0]+": "+row[1])
		}
		if len(rows)-1 != res.Rejected+res.KeptOut && res.KeptOut == 0 {
			t.Errorf("%d rows in the rejects file, %d rejected", len(rows)-1, res.Rejected)
		}
	}
	return k, res, reasons, err
}

func utf16Text(t *testing.T, e xunicode.Endianness, bom xunicode.BOMPolicy, s string) string {
	t.Helper()
	out, err := xunicode.UTF16(e, bom).NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestImportReads(t *testing.T) {
	latin, err := charmap.Windows1252.NewEncoder().String("email,name\nzoe@news.example,Zoë “Zo” Bräntz\n")
	if err != nil {
		t.Fatal(err)
	}
	late, err := charmap.Windows1252.NewEncoder().String("email,name\n" + strings.Repeat("ona@news.example,Ona\n", 5000) + "zoe@news.example,Zoë\n")
	if err != nil {
		t.Fatal(err)
	}
	const zoe = "2 zoe@news.example (Zoë Bräntz)\n"
	tests := []struct {
		name, in string
		o        ImportOptions
		want     string
	}{
		{"plain", "email,name\nzoe@news.example,Zoë Bräntz\n", ImportOptions{}, zoe},
		{"no line end", "email,name\nzoe@news.example,Zoë Bräntz", ImportOptions{}, zoe},
		{"CRLF", "email,name\r\nzoe@news.example,Zoë Bräntz\r\n", ImportOptions{}, zoe},
		{"CR", "email,name\rzoe@news.example,Zoë Bräntz\r", ImportOptions{}, zoe},
		{"semicolons", "Name;E-Mail\nZoë Bräntz;zoe@news.example\n", ImportOptions{}, zoe},
		{"tabs", "Name\tE-Mail\nZoë Bräntz\tzoe@news.example\n", ImportOptions{}, zoe},
		{"pipes", "Name|E-Mail\nZoë Bräntz|zoe@news.example\n", ImportOptions{}, zoe},
		{"delimiter given", "Name:E-Mail\nZoë Bräntz:zoe@news.example\n", ImportOptions{Delimiter: ':'}, zoe},
		{"commas in a semicolon file", "E-Mail;Notes\nzoe@news.example;a, b, c\n", ImportOptions{}, "2 zoe@news.example map[notes:a, b, c]\n"},
		{"sep line", "sep=;\r\nemail;name\r\nzoe@news.example;Zoë Bräntz\r\n", ImportOptions{}, "3 zoe@news.example (Zoë Bräntz)\n"},
		{"byte order mark", "\ufeffemail,name\nzoe@news.example,Zoë Bräntz\n", ImportOptions{}, zoe},
		{"byte order mark and quotes", "\ufeff\"email\",\"name\"\n\"zoe@news.example\",\"Zoë Bräntz\"\n", ImportOptions{}, zoe},
		{"UTF-16LE", utf16Text(t, xunicode.LittleEndian, xunicode.UseBOM, "email\tname\r\nzoe@news.example\tZoë Bräntz\r\n"), ImportOptions{}, zoe},
		{"UTF-16BE", utf16Text(t, xunicode.BigEndian, xunicode.UseBOM, "email\tname\r\nzoe@news.example\tZoë Bräntz\r\n"), ImportOptions{}, zoe},
		{"UTF-16LE without mark", utf16Text(t, xunicode.LittleEndian, xunicode.IgnoreBOM, "email\tname\r\nzoe@news.example\tZoë Bräntz\r\n"), ImportOptions{}, zoe},
		{"Windows-1252", latin, ImportOptions{}, "2 zoe@news.example (Zoë “Zo” Bräntz)\n"},
		{"Windows-1252 seen late", late, ImportOptions{}, "2 ona@news.example (Ona)\n5002 zoe@news.example (Zoë)\n"},
		{"quoted line breaks count", "email,note\nona@news.example,\"one\ntwo\r\nthree\"\nzoe@news.example,\n", ImportOptions{}, "2 ona@news.example map[note:one two three]\n5 zoe@news.example\n"},
		{"blank lines", "\n\nemail\n\nona@news.example\n  \nzoe@news.example\n,\n", ImportOptions{}, "5 ona@news.example\n7 zoe@news.example\n"},
		{"lines of delimiters", "email,name\n,\nona@news.example,Ona\n,,,,\n", ImportOptions{}, "3 ona@news.example (Ona)\n"},
		{"blanks around quotes", "email, name\n\"ona@news.example\" , \"Ona, of the quay\"\n", ImportOptions{}, "2 ona@news.example (Ona, of the quay)\n"},
		{"quotes inside", "\"Zoë \"Zo\" B\",\"zoe@news.example\"\n\"\",\"ona@news.example\"\n", ImportOptions{Map: map[string]string{"email": "2", "name": "1"}}, "1 zoe@news.example (Zoë \"Zo\" B)\n2 ona@news.example\n"},
		{"backslash quotes", "\"email\",\"name\",\"n\"\n\"zoe@news.example\",\"Zoë \\\"Zo\\\"\",\"C:\\\"\n\"ona@news.example\",\"Ona\",\"\"\n", ImportOptions{}, "2 zoe@news.example (Zoë \"Zo\") map[n:C:\\]\n3 ona@news.example (Ona)\n"},
		{"quote in an unquoted field", "email,boat\nona@news.example,the 5\" one\n", ImportOptions{}, "2 ona@news.example map[boat:the 5\" one]\n"},
		{"addresses alone", "ona@news.example\n\nzoe@news.example\n", ImportOptions{}, "1 ona@news.example\n3 zoe@news.example\n"},
		{"addresses with names alone", "Ona Brann <ona@news.example>\nzoe@news.example\n", ImportOptions{}, "1 ona@news.example (Ona Brann)\n2 zoe@news.example\n"},
		{"no headings, mapped", "Ona,ona@news.example,pier\n", ImportOptions{Map: map[string]string{"email": "2", "name": "1", "place": "3"}}, "1 ona@news.example (Ona) map[place:pier]\n"},
		{"first and last name", "First Name,Last Name,Email Address\nOna,Brann,ona@news.example\n,,zoe@news.example\nBo,,bo@news.example\n", ImportOptions{}, "2 ona@news.example (Ona Brann)\n3 zoe@news.example\n4 bo@news.example (Bo)\n"},
		{"name and last name", "Subscriber,Name,Last name\nona@news.example,Ona,Brann\n", ImportOptions{}, "2 ona@news.example (Ona Brann)\n"},
		{"Vorname, Name", "E-Mail-Adresse;Vorname;Name\nona@news.example;Ona;Brann\n", ImportOptions{}, "2 ona@news.example (Ona Brann)\n"},
		{"name and first name", "email,name,first_name\nona@news.example,Ona Brann,Ona\n", ImportOptions{}, "2 ona@news.example (Ona Brann)\n"},
		{"prénom, nom", "Adresse e-mail;Prénom;Nom\nona@news.example;Ona;Brann\n", ImportOptions{}, "2 ona@news.example (Ona Brann)\n"},
		{"nom", "Courriel;Nom\nona@news.example;Ona Brann\n", ImportOptions{}, "2 ona@news.example (Ona Brann)\n"},
		{"nombre, apellidos", "Correo electrónico,Nombre,Apellidos\nona@news.example,Ona,Brann\n", ImportOptions{}, "2 ona@news.example (Ona Brann)\n"},
		{"heading around", "Deine E-Mail Adresse,Ort\nona@news.example,Kiel\n", ImportOptions{}, "2 ona@news.example map[ort:Kiel]\n"},
		{"the address, not the street", "Address,Email\n1 Quay,ona@news.example\n", ImportOptions{}, "2 ona@news.example map[address:1 Quay]\n"},
		{"mapped", "Who,Where\nOna,ona@news.example\n", ImportOptions{Map: map[string]string{"email": "Where", "name": "who"}}, "2 ona@news.example (Ona)\n"},
		{"mapped to an attribute", "email,Ort\nona@news.example,Kiel\n", ImportOptions{Map: map[string]string{"Town": "Ort"}}, "2 ona@news.example map[town:Kiel]\n"},
		{"ignored", "email,a,b\nona@news.example,1,2\n", ImportOptions{Ignore: []string{"a", "b"}}, "2 ona@news.example\n"},
		{"ignored by map", "email,a,b\nona@news.example,1,2\n", ImportOptions{Map: map[string]string{"ignore": "a"}}, "2 ona@news.example map[b:2]\n"},
		{"attributes", "email,Favourite tide!,,a b,a_b,empty\nona@news.example,high,x,1,2,\n", ImportOptions{}, "2 ona@news.example map[a_b:1 a_b_2:2 column_3:x favourite_tide:high]\n"},
		{"tags", "email,tags\nona@news.example,\"harbour, early bird\"\nzoe@news.example,\"\"\"Harbour\"\",\"\"Early, bird\"\"\"\nbo@news.example,a;b;a\n", ImportOptions{}, "2 ona@news.example [\"harbour\" \"early bird\"]\n3 zoe@news.example [\"Harbour\" \"Early, bird\"]\n4 bo@news.example [\"a\" \"b\"]\n"},
		{"formula apostrophes", "email,name,note\nona@news.example,'@pilot,'=1+1\nzoe@news.example,'t Hart,'-x\n", ImportOptions{}, "2 ona@news.example (@pilot) map[note:=1+1]\n3 zoe@news.example ('t Hart) map[note:-x]\n"},
		{"names are tidied", "email,name\nona@news.example,  Ona \t\u00a0 Bra\u200bnn\u202e \n", ImportOptions{}, "2 ona@news.example (Ona Brann)\n"},
		{"joiners stay", "email,name\nona@news.example,\u0646\u0645\u06cc\u200c\u062e\n", ImportOptions{}, "2 ona@news.example (\u0646\u0645\u06cc\u200c\u062e)\n"},
		{"one person, two spellings", "email,name,town\nOna@News.example,,Kiel\nona@NEWS.example,Ona,Bergen\n", ImportOptions{}, "2 Ona@news.example (Ona) map[town:Kiel]\n"},
		{"a rejects file put right", "line,reason,email,name\n4,address has no @,ona@news.example,Ona\n", ImportOptions{}, "2 ona@news.example (Ona)\n"},
		{"a state of America", "email,city,state\nona@news.example,Austin,TX\n", ImportOptions{}, "2 ona@news.example map[city:Austin state:TX]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, _, reasons, err := importText(t, tt.in, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := k.text(); got != tt.want || len(reasons) > 0 {
				t.Errorf("got\n%swant\n%srejected %q", got, tt.want, reasons)
			}
		})
	}
}

func TestImportRejectsRows(t *testing.T) {
	long := strings.Repeat("x", 1001)
	tests := []struct {
		name, in string
		want     string   // kept
		reasons  []string // in order, each a part
	}{
		{"bad address", "email\nona\nzoe@news.example\n", "3 zoe@news.example\n", []string{"2: address has no @"}},
		{"no address", "email,name\n,Ona\nzoe@news.example,\n", "3 zoe@news.example\n", []string{"2: has no address"}},
		{"two addresses", "email\nona@news.example; bo@news.example\nzoe@news.example\n", "3 zoe@news.example\n", []string{"2: address has"}},
		{"too few fields", "email,name,town\nona@news.example,Ona\nzoe@news.example,,\n", "3 zoe@news.example\n", []string{"2: has 2 fields, not 3"}},
		{"too many fields", "email,name\nona@news.example,Brann,Ona\nzoe@news.example,\n", "3 zoe@news.example\n", []string{"2: has 3 fields, not 2"}},
		{"header smuggled by a name", "email,name\nona@news.example,\"Ona\r\nBcc: all@news.example\"\nzoe@news.example,\n", "4 zoe@news.example\n", []string{"2: has a name with a line break"}},
		{"line separator in a name", "email,name\nona@news.example,Ona\u2028x\n", "", []string{"2: has a name with a line break"}},
		{"null", "email,name\nona@news.example,O\x00na\nzoe@news.example,\n", "3 zoe@news.example\n", []string{"2: has a NUL byte"}},
		{"broken UTF-8", "email,name\nzoe@news.example,Zoë\nona@news.example,\xe9\xffna\nbo@news.example,Bö\nbo2@news.example,Bö\n", "2 zoe@news.example (Zoë)\n4 bo@news.example (Bö)\n5 bo2@news.example (Bö)\n", []string{"3: is not valid UTF-8"}},
		{"long name", "email,name\nona@news.example," + long + "\n", "", []string{"2: has a name longer than 200"}},
		{"long attribute", "email,note\nona@news.example," + long + "\n", "", []string{`2: "note" is longer than 1000`}},
		{"stray quote", "email,name\nona@news.example,\"Ona\nzoe@news.example,Zoe\nbo@news.example,Bo\n", "3 zoe@news.example (Zoe)\n4 bo@news.example (Bo)\n", []string{"2: has a quote that is never closed"}},
		{"stray quote, closed later", "email,name\nona@news.example,\"Ona\nzoe@news.example,Zoe\nbo@news.example,Bo\"\nlu@news.example,Lu\n", "3 zoe@news.example (Zoe)\n4 bo@news.example (Bo\")\n5 lu@news.example (Lu)\n", []string{"2: has a quote that is not closed rightly"}},
		{"stray quote, rows swallowed by a note", "email,note\nona@news.example,\"high\nzoe@news.example,low\nbo@news.example,\"\"\nlu@news.example,x\"\n", "3 zoe@news.example map[note:low]\n4 bo@news.example\n5 lu@news.example map[note:x\"]\n", []string{"2: has a quote that is not closed rightly"}},
		{"stray quote, closed by another", "email,name\n\"ona@news.example,Ona\nzoe@news.example,Zoe\n\"bo@news.example,Bo\nlu@news.example,Lu\n", "3 zoe@news.example (Zoe)\n5 lu@news.example (Lu)\n", []string{"2: has a quote that is not closed", "4: has a quote that is never closed"}},
		{"long line", "email,name\nona@news.example," + strings.Repeat("x", maxRecord+100_000) + "\nzoe@news.example,\n", "3 zoe@news.example\n", []string{"2: is longer than 1 MB"}},
		{"long line at the end", "email,name\nzoe@news.example,\nona@news.example," + strings.Repeat("x", 3*maxRecord), "2 zoe@news.example\n", []string{"3: is longer than 1 MB"}},
		{"long quoted field", "email,name\nona@news.example,\"" + strings.Repeat("word\n", maxRecord/5) + "\nzoe@news.example,\n", "209718 zoe@news.example\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, res, reasons, err := importText(t, tt.in, ImportOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if got := k.text(); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			if res.Rejected != len(reasons) {
				t.Errorf("%d rejected, %d in the file", res.Rejected, len(reasons))
			}
			if tt.reasons == nil {
				return
			}
			if len(reasons) != len(tt.reasons) {
				t.Fatalf("got reasons %q, want %q", reasons, tt.reasons)
			}
			for i, want := range tt.reasons {
				if !strings.HasPrefix(reasons[i], want) {
					t.Errorf("got reason %q, want %q…", reasons[i], want)
				}
			}
		})
	}
}

func TestImportRefusesFiles(t *testing.T) {
	tests := []struct {
		name, in, reason string
		o                ImportOptions
	}{
		{"empty", "", "is empty", ImportOptions{}},
		{"blank", " \n\r\n", "is empty", ImportOptions{}},
		{"byte order mark alone", "\ufeff", "is empty", ImportOptions{}},
		{"no address column", "Who,Where\nOna,Kiel\n", `no column of addresses among "Who", "Where"; name it: --map email=COLUMN`, ImportOptions{}},
		{"two address columns", "email,Email\nona@news.example,bo@news.example\n", "several columns", ImportOptions{}},
		{"columns without headings", "Ona,ona@news.example\n", "--map email=2", ImportOptions{}},
		{"mapped column missing", "email\nona@news.example\n", `--map name=Who: no such column; there are "email"`, ImportOptions{Map: map[string]string{"name": "Who"}}},
		{"ignored column missing", "email\nona@news.example\n", `--map ignore=Who`, ImportOptions{Ignore: []string{"Who"}}},
		{"column mapped twice", "email\nona@news.example\n", "mapped twice", ImportOptions{Map: map[string]string{"name": "email", "email": "email"}}},
		{"too many columns", "email" + strings.Repeat(",x", 200) + "\n", "at most 200", ImportOptions{}},
		{"long first line", strings.Repeat("x", maxRecord+1), "line 1 is longer", ImportOptions{}},
		{"Excel, damaged", "PK\x03\x04\x14\x00\x06\x00[Content_Types].xml", "Excel file is damaged", ImportOptions{}},
		{"old Excel", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\x00\x00", "save it as CSV or xlsx", ImportOptions{}},
		{"zip", "PK\x03\x04\x14\x00subscribers.csv", "zip archive", ImportOptions{}},
		{"gzip", "\x1f\x8b\x08\x00", "compressed", ImportOptions{}},
		{"PDF", "%PDF-1.7", "PDF", ImportOptions{}},
		{"web page", "\n<!DOCTYPE html><html>", "web page", ImportOptions{}},
		{"JSON as CSV", `[{"email": "ona@news.example"}]`, "JSON", ImportOptions{Format: "csv"}},
		{"CSV as Excel", "email\n", "no Excel file", ImportOptions{Format: "xlsx"}},
		{"JSON without people", `{"error": "none", "code": 404}`, "no column of addresses", ImportOptions{}},
		{"JSON cut off", `[{"email": "ona@news.example"}, {"email`, "line 1", ImportOptions{}},
		{"a format that is none", "email\n", "expected one of csv", ImportOptions{Format: "word"}},
		{"a state that is none", "email\n", "expected active", ImportOptions{State: "happy"}},
		{"binary", "\x7fELF" + strings.Repeat("\x00\x00\x01", 100), "not text", ImportOptions{}},
		{"delimiter", "email\n", "delimiter", ImportOptions{Delimiter: 'x'}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, res, _, err := importText(t, tt.in, tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("got %v, want an error with %q", err, tt.reason)
			}
			if len(k.rows) > 0 || res != (Result{}) {
				t.Errorf("%+v was imported all the same", res)
			}
		})
	}
}

func TestImportStates(t *testing.T) {
	tests := []struct {
		head, cell string
		want       standing
	}{
		{"status", "subscribed", wants},
		{"Status", " Active ", wants},
		{"status", "unsubscribed", gone},
		{"status", "Bounced", bounced},
		{"status", "pending", waits},
		{"status", "cleaned", bounced},
		{"status", "disabled", gone},
		{"status", "0", gone},
		{"status", "1", wants},
		{"status", "", unknown},
		{"status", "VIP", unknown},
		{"status", "2024-08-20", unknown},
		{"state", "unsubscribed", gone},
		{"subscribed", "2024-03-01 09:30", wants},
		{"subscribed", "no", gone},
		{"subscribed_to_emails", "true", wants},
		{"subscribed_to_emails", "false", gone},
		{"Is this subscriber confirmed", "0", waits},
		{"complained at", "2024-01-01", complained},
		{"status", "spam", complained},
		{"status", "nonsubscribed", never},
		{"subscriber_type", "blocked", never},
		{"subscriber_type", "unactivated", waits},
		{"state", "Cold", wants},
		{"state", "Cancelled", gone},
		{"unsubscribed_at", "", wants},
		{"unsubscribed_at", "0000-00-00 00:00:00", wants},
		{"unsubscribed_at", "2024-08-20 16:31:55 UTC", gone},
		{"UNSUB_TIME", "2024-08-20 16:31:55", gone},
		{"CLEAN_TIME", "2020-03-23 17:30:05", bounced},
		{"email_disabled", "false", wants},
		{"email_disabled", "true", gone},
		{"Is this account disabled?", "1", gone},
		{"deleted_at", "2025-01-01", gone},
		{"Opt-out", "x", gone},
		{"subscriber_type", "premium", wants},
		{"subscriber_type", "undeliverable", bounced},
		{"subscriber_type", "astronaut", unknown},
		{"List Membership", "No Lists", gone},
		{"List Membership", "\"Harbour; Tides; \"", wants},
		{"Statut", "désabonné", gone},
	}
	for _, tt := range tests {
		t.Run(tt.head+" "+tt.cell, func(t *testing.T) {
			k, res, reasons, err := importText(t, "email;"+tt.head+"\nona@news.example;"+tt.cell+"\n", ImportOptions{})
			if err != nil {
				t.Fatal(err)
			}
			want := map[standing]Result{
				wants:      {Rows: 1, New: 1},
				waits:      {Rows: 1, New: 1},
				never:      {Rows: 1, KeptOut: 1},
				gone:       {Rows: 1, KeptOut: 1},
				bounced:    {Rows: 1, KeptOut: 1},
				complained: {Rows: 1, KeptOut: 1},
				unknown:    {Rows: 1, Rejected: 1},
			}[tt.want]
			if res != want {
				t.Errorf("got %+v, want %+v", res, want)
			}
			if tt.want != never && tt.want != unknown {
				rows := append(k.rows, k.left...)
				state, suppress := tt.want.state()
				if len(rows) != 1 || len(rows[0].Attributes) > 0 || rows[0].State != state || rows[0].Suppress != suppress {
					t.Errorf("kept %+v", rows)
				}
				return
			}
			if len(reasons) != 1 || !strings.HasPrefix(reasons[0], "2: "+tt.head+": ") {
				t.Errorf("got reasons %q", reasons)
			}
		})
	}
	t.Run("any column decides", func(t *testing.T) {
		_, res, reasons, err := importText(t, "email,status,global status\nona@news.example,what,unsubscribed\nbo@news.example,subscribed,unsubscribed\n", ImportOptions{})
		if err != nil || res.KeptOut != 2 {
			t.Errorf("got %+v %q, %v", res, reasons, err)
		}
	})
	t.Run("mapped", func(t *testing.T) {
		_, res, _, err := importText(t, "email,Zustand\nona@news.example,abgemeldet\n", ImportOptions{Map: map[string]string{"status": "Zustand"}})
		if err != nil || res.KeptOut != 1 {
			t.Errorf("got %+v, %v", res, err)
		}
	})
	t.Run("under any heading", func(t *testing.T) {
		k, res, _, err := importText(t, "email,Abonnement\nona@news.example,unsubscribed\nbo@news.example,subscribed\n", ImportOptions{})
		if err != nil || res.KeptOut != 1 || k.text() != "3 bo@news.example\n" {
			t.Errorf("got %+v, %v: %s", res, err, k.text())
		}
	})
	t.Run("by the file's name", func(t *testing.T) {
		for name, want := range map[string]string{"unsubscribed_email_audience_export_1.csv": "", "letter-marked-as-spam.csv": ReasonComplaint, "cleaned_x.csv": ReasonBounce} {
			k, res, _, err := importText(t, "email\nona@news.example\n", ImportOptions{Name: "x/" + name})
			if err != nil || res.KeptOut != 1 || len(k.left) != 1 || k.left[0].Suppress != want {
				t.Errorf("%s: %+v, %v", name, res, err)
			}
		}
	})
	t.Run("told", func(t *testing.T) {
		k, _, _, err := importText(t, "email\nona@news.example\n", ImportOptions{State: "pending"})
		if err != nil || len(k.rows) != 1 || k.rows[0].State != Pending {
			t.Errorf("got %+v, %v", k.rows, err)
		}
	})
	t.Run("ignored", func(t *testing.T) {
		_, res, _, err := importText(t, "email,status\nona@news.example,unsubscribed\n", ImportOptions{Ignore: []string{"status"}})
		if err != nil || res.New != 1 {
			t.Errorf("got %+v, %v", res, err)
		}
	})
}

// The first row of a person wins whatever the size of a chunk, so that the same
// file changes nothing the second time.
func TestImportRepeats(t *testing.T) {
	const in = "email,name,a,b\nona@news.example,,1,\nbo@news.example,Bo,1,1\nOna@news.example,Ona,2,\nona@NEWS.example,Nobody,3,3\nona@news.example,,,4\n"
	const want = "2 ona@news.example (Ona) map[a:1 b:3]\n3 bo@news.example (Bo) map[a:1 b:1]\n"
	for chunk := 1; chunk <= 6; chunk++ {
		k, res, _, err := importText(t, in, ImportOptions{ChunkRows: chunk})
		if err != nil {
			t.Fatal(err)
		}
		if got := k.text(); got != want {
			t.Errorf("chunks of %d: got\n%swant\n%s", chunk, got, want)
		}
		if res != (Result{Rows: 5, New: 2, Unchanged: 3}) {
			t.Errorf("chunks of %d: got %+v", chunk, res)
		}
	}
}

func TestImportStops(t *testing.T) {
	var b strings.Builder
	b.WriteString("email\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "reader%d@news.example\n", i)
	}
	t.Run("when told", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		k := &keeper{}
		k.after = func() {
			if k.calls == 2 {
				cancel()
			}
		}
		res, err := Import(ctx, strings.NewReader(b.String()), ImportOptions{Store: k, ChunkRows: 1000})
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "stopped: 2000 of 5000 rows were stored; run it again to go on") {
			t.Errorf("got %v", err)
		}
		if res.New != 2000 || len(k.rows) != 2000 || res.Rows != 2000 {
			t.Errorf("got %+v with %d rows stored", res, len(k.rows))
		}
	})
	t.Run("when the store fails", func(t *testing.T) {
		k := &keeper{}
		k.after = func() { k.fail = errors.New("disk is full") }
		res, err := Import(t.Context(), strings.NewReader(b.String()), ImportOptions{Store: k, Name: "a.csv", ChunkRows: 1000})
		if err == nil || err.Error() != "a.csv: disk is full (1000 of 5000 rows were stored; run it again to go on)" || res.Rows != 1000 {
			t.Errorf("got %v, %+v", err, res)
		}
	})
	t.Run("when the file fails", func(t *testing.T) {
		broken := io.MultiReader(strings.NewReader(b.String()), iotest.ErrReader(errors.New("stick was pulled")))
		res, err := Import(t.Context(), broken, ImportOptions{Store: &keeper{}, ChunkRows: 1000})
		if err == nil || !strings.Contains(err.Error(), "reading line 5002: stick was pulled (nothing was stored yet)") || res.Rows != 0 {
			t.Errorf("got %v, %+v", err, res)
		}
	})
	t.Run("when the rejects can't be written", func(t *testing.T) {
		_, err := Import(t.Context(), strings.NewReader("email\nona\n"), ImportOptions{Store: &keeper{}, Rejects: fullDisk{}})
		if err == nil || !strings.Contains(err.Error(), "writing the rejects: no room") {
			t.Errorf("got %v", err)
		}
	})
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no room") }

// However the bytes arrive, the rows are the same.
func TestImportReadsInPieces(t *testing.T) {
	const in = "email,note\r\nona@news.example,\"one\r\ntwo \"\"x\"\"\"\r\nzoe@news.example,\"C:\\\"\r\nbo@news.example,\"a \"b\" c\"\r\n\"lu@news.example\",x"
	whole, _, _, err := importText(t, in, ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	k := &keeper{}
	if _, err := Import(t.Context(), iotest.OneByteReader(strings.NewReader(in)), ImportOptions{Store: k}); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(k.rows, whole.rows) || len(k.rows) != 4 {
		t.Errorf("got\n%swant\n%s", k.text(), whole.text())
	}
}

// Whatever the file: no panic, the sums hold, a row that is stored is clean, and
// the same file again in other chunks gives the same people.
func FuzzImport(f *testing.F) {
	for _, s := range []string{
		"email,name\nona@news.example,Ona\n",
		"Name;E-Mail;status\n\"Zoë \"Zo\"\";zoe@news.example;active\nx;bo@news.example;unsubscribed\n",
		"sep=|\r\nemail|a\r\nona@news.example|\"x\ny\"\r\n",
		"\xff\xfee\x00m\x00a\x00i\x00l\x00\n\x00",
		"email\tname\nona@news.example\t\"never\nbo@news.example\tBo\n",
		"ona@news.example\nOna <ona@news.example>\n\x00@news.example\n",
		"email,tags,a\nona@news.example,\"\"\"x\"\",[y;z\",\xe9\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		k := &keeper{}
		var rejects bytes.Buffer
		lines := 1 + bytes.Count(in, []byte("\n")) + bytes.Count(in, []byte("\r"))
		res, err := Import(t.Context(), bytes.NewReader(in), ImportOptions{Store: k, Rejects: &rejects, Name: "f.csv"})
		if res.Rows != res.New+res.Updated+res.Unchanged+res.KeptOut+res.Rejected || res.New != len(k.rows) || res.Rows > max(lines, len(in)/4) {
			t.Fatalf("%+v with %d rows of %d lines", res, len(k.rows), lines)
		}
		for _, row := range k.rows {
			_, key, domain, err := ParseAddress(row.Address)
			if err != nil || key != row.Key || domain != row.Domain {
				t.Errorf("stored %+v: %v", row, err)
			}
			texts := append([]string{row.Name}, row.Tags...)
			for key, value := range row.Attributes {
				texts = append(texts, key, value)
			}
			for _, text := range texts {
				if strings.ContainsAny(text, "\r\n\x00\u2028\u202e") || len(text) > 4*maxValue {
					t.Errorf("stored %q", text)
				}
			}
			if row.Line < 1 || row.Line > lines {
				t.Errorf("line %d of %d", row.Line, lines)
			}
		}
		if err != nil {
			return
		}
		r := csv.NewReader(&rejects)
		r.FieldsPerRecord = -1
		if rows, err := r.ReadAll(); err != nil || len(rows)-1 < res.Rejected || len(rows)-1 > res.Rejected+res.KeptOut {
			t.Errorf("%d rejects for %+v: %v", len(rows)-1, res, err)
		}
		again := &keeper{}
		res2, err := Import(t.Context(), bytes.NewReader(in), ImportOptions{Store: again, ChunkRows: 1, room: 1})
		if err != nil || res2 != res || again.text() != k.text() {
			t.Errorf("row by row and from a file: %+v %v, in one: %+v\n%s%s", res2, err, res, again.text(), k.text())
		}
	})
}

// BenchmarkImport reads rows without storing them; the size is a million rows'
// for -benchtime 1000x.
func BenchmarkImport(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("email,name,town,status\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "reader%d@news.example,\"Okafor, Ines\",Port Averne,subscribed\n", i)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Import(b.Context(), bytes.NewReader(text.Bytes()), ImportOptions{Store: discard{}}); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{}

func (discard) ImportChunk(_ context.Context, _ Intake, rows []Row, _ time.Time) (Result, error) {
	return Result{New: len(rows)}, nil
}

func (discard) ImportErased(context.Context, Intake, []Erased, time.Time) (int, error) { return 0, nil }
